import { expect, test } from 'vitest';
import { noticeOf } from '../src/view/notice.ts';
import { event } from './support/events.ts';

test('what an earlier run left and cannot be removed is a warning above the live view', () => {
  const failed = event(0, 'cleanup.failed', {
    what: 'ledger',
    resource: 'directory-tree /o/tree',
    resourceType: 'directory-tree',
    resourceId: '/o/tree',
    message: 'busy',
  });
  expect(noticeOf(failed)).toBe('Warning: clean-up of directory-tree /o/tree failed: busy');
});

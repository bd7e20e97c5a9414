import { failOnLeaks } from '@osforge/perf/testing';
import { afterAll, beforeEach } from 'vitest';

// tsup, which bundles a program for a test, keeps the service of esbuild for its next call. It ends with this process.
failOnLeaks(
  { beforeEach, afterAll },
  { except: ({ kind, detail }) => kind === 'child' && detail.includes('/esbuild (pid') },
);

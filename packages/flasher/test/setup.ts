import { failOnLeaks } from '@osforge/perf/testing';
import { afterAll, beforeEach } from 'vitest';

failOnLeaks({ beforeEach, afterAll });

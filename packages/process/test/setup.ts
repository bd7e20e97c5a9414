import '@osforge/perf/vitest';

export { failOnLeaks, type TestHooks } from './resources/fail-on-leaks.ts';

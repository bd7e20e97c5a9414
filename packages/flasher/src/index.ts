export { flasherGreeting } from './greeting.ts';

export { perfGreeting } from './greeting.ts';

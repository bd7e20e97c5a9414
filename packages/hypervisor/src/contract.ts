import { consoleCases } from './contract/console-cases.ts';
import type { ContractCase } from './contract/contract-case.ts';
import { creationCases } from './contract/creation-cases.ts';
import { endCases } from './contract/end-cases.ts';
import { savingCases } from './contract/saving-cases.ts';
import { stopCases } from './contract/stop-cases.ts';
import { waitCases } from './contract/wait-cases.ts';

export {
  contractChannel,
  contractDisk,
  contractDrive,
  type ContractBench,
  type ContractCase,
  type ContractGuest,
} from './contract/contract-case.ts';

/**
 * What every driver behind `Hypervisor` has to do. Free of any test framework:
 * `for (const one of hypervisorContract) test(one.name, () => one.run(openBench))`.
 */
export const hypervisorContract: readonly ContractCase[] = [
  ...creationCases,
  ...consoleCases,
  ...endCases,
  ...stopCases,
  ...waitCases,
  ...savingCases,
];

import type { Phase } from '@osforge/pipeline';
import type { BuildEnvironment } from '../build/environment.ts';
import { appInstallPhase } from './app-install.ts';
import { appsPhase } from './apps.ts';
import { capturePhase } from './capture.ts';
import { cleanupPhase } from './cleanup.ts';
import { diskPhase } from './disk.ts';
import { driversPhase } from './drivers.ts';
import { mediaPhase } from './media.ts';
import { osUpdatesPhase } from './os-updates.ts';
import { preflightPhase } from './preflight.ts';
import { updatesPhase } from './updates.ts';
import { usbPhase } from './usb.ts';
import { vmSetupPhase } from './vm-setup.ts';
import { vmShutdownPhase } from './vm-shutdown.ts';
import { vmStartPhase } from './vm-start.ts';

/** The fourteen phases of one build, in their order. Making them has no side effects. */
export function buildPhases(environment: BuildEnvironment): Phase[] {
  return [
    preflightPhase(environment),
    driversPhase(environment),
    updatesPhase(environment),
    appsPhase(environment),
    diskPhase(environment),
    osUpdatesPhase(environment),
    vmSetupPhase(environment),
    vmStartPhase(environment),
    appInstallPhase(environment),
    vmShutdownPhase(environment),
    capturePhase(environment),
    mediaPhase(environment),
    usbPhase(environment),
    cleanupPhase(environment),
  ];
}

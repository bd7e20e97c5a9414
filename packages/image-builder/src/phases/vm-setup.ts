import { readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Phase } from '@osforge/pipeline';
import { assetDigest, assetPath, type AssetName } from '../asset.ts';
import type { BuildEnvironment } from '../build/environment.ts';
import { toolVersions } from '../build/environment.ts';
import { chooseAccelerator } from '../machine/accelerator.ts';
import { hostProcessor } from '../machine/host-processor.ts';
import { identifiersOf } from './disk.ts';
import { skipWithoutApps } from './skip.ts';

const blockBytes = 4096;

/** A script as a read-only disk: the guest's shell reads it from the block device, so it needs no file system. */
async function scriptDisk(name: AssetName, target: string): Promise<void> {
  const script = await readFile(assetPath(name));
  const size = Math.ceil((script.length + 1) / blockBytes) * blockBytes;
  await writeFile(target, Buffer.concat([script, Buffer.alloc(size - script.length, '\n')]));
}

/** Phase 7: decides how the build machine looks and makes the small disks that carry its agent. */
export function vmSetupPhase(environment: BuildEnvironment): Phase {
  const { recipe, layout } = environment;
  const folder = path.join(layout.work, 'vm');
  return {
    name: 'vm-setup',
    version: '1',
    weight: 0.3,
    dependsOn: ['disk', 'os-updates'],
    inputs: async () => ({
      accelerator: recipe.vm.accelerator,
      host: await hostProcessor(recipe.vm.accelerator, environment.host),
      agent: await assetDigest('agent.sh'),
      generalize: await assetDigest('generalize.sh'),
      tools: toolVersions(environment, ['qemu-system-x86']),
    }),
    skip: skipWithoutApps(recipe),
    run: async (context) => {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      const agent = path.join(folder, 'agent.img');
      const generalize = path.join(folder, 'generalize.img');
      await scriptDisk('agent.sh', agent);
      await scriptDisk('generalize.sh', generalize);
      const probe = await chooseAccelerator(environment, context.signal);
      context.log(`accelerator: ${probe.accelerator} (${probe.reason})`);
      return {
        artifacts: [
          { name: 'agent', path: agent, retention: 'cache' },
          { name: 'generalize', path: generalize, retention: 'cache' },
        ],
        data: {
          accelerator: probe.accelerator,
          reason: probe.reason,
          commandLine: buildCommandLine(identifiersOf(environment).root),
        },
      };
    },
  };
}

/**
 * Kernel arguments of the build machine. systemd runs the agent instead of the default target: faster, and no service
 * of the image starts before its application is there. `udevadm wait` sleeps until udev has announced the devices.
 */
function buildCommandLine(rootPartition: string): string {
  const devices = '/dev/disk/by-id/virtio-osforge-agent /dev/virtio-ports/org.osforge.agent';
  const agent = `udevadm wait -t 120 ${devices} && exec /bin/sh /dev/disk/by-id/virtio-osforge-agent`;
  return [
    `root=PARTUUID=${rootPartition}`,
    'rw',
    'console=ttyS0',
    'panic=-1',
    'loglevel=4',
    'systemd.show_status=0',
    // There is no network in the build machine: nothing may wait for one.
    'systemd.mask=systemd-networkd-wait-online.service',
    'systemd.mask=systemd-timesyncd.service',
    `systemd.run="/bin/sh -c '${agent}'"`,
  ].join(' ');
}

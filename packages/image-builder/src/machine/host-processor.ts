import { createHash } from 'node:crypto';
import { access, constants, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import type { HostPlaces } from '../build/environment.ts';

/** Fields of /proc/cpuinfo that say what a processor is, not how it feels at the moment. */
const lasting = ['vendor_id', 'cpu family', 'model', 'model name', 'stepping', 'flags', 'vmx flags'];

/**
 * What a machine state that was saved here can be loaded by, for the key of `vm-setup`: null where the machine is
 * emulated, which is the same everywhere. Where KVM may be used the guest has seen the host's own processor
 * (`-cpu host`), and whether a probe finds KVM working depends on the kernel too (on QEMU as well, which is in the
 * key by itself). Looks at files only: a plan must not start a probe, and the answer is not known before the first run.
 */
export async function hostProcessor(
  accelerator: 'auto' | 'kvm' | 'tcg',
  { kvmDevice, cpuInfo }: Pick<HostPlaces, 'kvmDevice' | 'cpuInfo'>,
  kernelRelease: string = release(),
): Promise<{ kernel: string; processor: string } | null> {
  if (accelerator === 'tcg') return null;
  const usable = await access(kvmDevice, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!usable) return null;
  const [first = ''] = (await readFile(cpuInfo, 'utf8')).split(/\n\n/);
  const fields = new Map(
    first.split('\n').map((line): [string, string] => {
      const [name = '', ...value] = line.split(':');
      return [name.trim(), value.join(':').trim()];
    }),
  );
  const text = lasting.map((name) => `${name}: ${fields.get(name) ?? ''}\n`).join('');
  return { kernel: kernelRelease, processor: createHash('sha256').update(text).digest('hex') };
}

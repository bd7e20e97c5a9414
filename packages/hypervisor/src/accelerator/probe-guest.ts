/** The exit code of QEMU when the probe guest has run to its end: (0x10 << 1) | 1, by isa-debug-exit. */
export const PROBE_EXIT_CODE = 33;

/**
 * A boot sector that does what a kernel does early: opens A20, builds page tables, enters 64-bit long mode, computes
 * for 20 million rounds with memory access, leaves the guest 2000 times by CPUID, then writes 0x10 to port 0x501
 * (isa-debug-exit). TCG does it in 0.1 s. A /dev/kvm that only gets through the BIOS hangs in it.
 *
 * Assembled from (AT&T):
 *
 *     .code16; cli; xor %ax,%ax; mov %ax,%ds; mov %ax,%es; mov %ax,%ss; mov $0x7c00,%sp; cld
 *     mov $0x2401,%ax; int $0x15; cli
 *     mov $0x1000,%edi; mov %edi,%cr3; xor %eax,%eax; mov $0xc00,%ecx; rep stosl
 *     movl $0x2003,0x1000; movl $0x3003,0x2000; movl $0x83,0x3000
 *     mov %cr4,%eax; or $0x20,%eax; mov %eax,%cr4
 *     mov $0xc0000080,%ecx; rdmsr; or $0x100,%eax; wrmsr
 *     mov %cr0,%eax; or $0x80000001,%eax; mov %eax,%cr0
 *     lgdt gdtr; ljmp $8,$long
 *     gdt: .quad 0, 0x00209a0000000000, 0x0000920000000000; gdtr: .word 23; .long gdt
 *     .code64; long: mov $16,%ax; mov %ax,%ds; mov %ax,%ss
 *     mov $20000000,%ecx; xor %eax,%eax
 *     1: add %ecx,%eax; mov %eax,0x4000; xor 0x4000,%eax; dec %ecx; jnz 1b
 *     mov $2000,%esi; 2: xor %eax,%eax; cpuid; dec %esi; jnz 2b
 *     mov $0x501,%dx; mov $0x10,%al; out %al,%dx; 3: hlt; jmp 3b
 */
const CODE =
  'fa31c08ed88ec08ed0bc007cfcb80124cd15fa66bf001000000f22df6631c066b9000c000066f3ab66c7060010032000' +
  '0066c70600200330000066c7060030830000000f20e06683c8200f22e066b9800000c00f32660d000100000f300f20c0' +
  '660d010000800f22c00f01168b7cea917c0800000000000000000000000000009a200000000000009200001700737c00' +
  '0066b810008ed88ed0b9002d310131c001c88904250040000033042500400000ffc975ecbed007000031c00fa2ffce75' +
  'f866ba0105b010eef4ebfd';

// SeaBIOS does not read a disk that is smaller than a cylinder.
const IMAGE_BYTES = 1024 * 1024;

/** A raw disk image that boots the probe guest. */
export function probeImage(): Uint8Array {
  const image = new Uint8Array(IMAGE_BYTES);
  image.set(Buffer.from(CODE, 'hex'));
  image.set([0x55, 0xaa], 510);
  return image;
}

# The guest of this package's tests: one boot sector for SeaBIOS on q35. Its bytes are in guest-image.ts.
# Assemble: as --64 guest.S -o g.o && ld -Ttext 0x7c00 --oformat binary g.o -o g.bin && xxd -p g.bin
# The byte before the boot signature's word (offset 509) says what to do:
#   p power off   r reset   t triple fault   c panic (pvpanic-pci)   h stand still
#   b power off when the power button is pressed   g garbage and an unfinished line, then power off
#   w count in memory and on sector 1 of the disk, and say when the two differ
.code16
.global _start
_start:
  xor %ax,%ax
  mov %ax,%ds
  mov %ax,%es
  mov %ax,%ss
  mov $0x7c00,%sp
  cld
  mov %dl,drive
  mov $0x602,%dx             # PM1a_EN: power button; before the banner, as a press while it is off is lost
  mov $0x100,%ax
  out %ax,%dx
  mov $banner,%si
  call puts
  mov 0x7dfd,%al
  cmp $'p',%al
  je off
  cmp $'r',%al
  je reset
  cmp $'t',%al
  je triple
  cmp $'c',%al
  je panic
  cmp $'b',%al
  je button
  cmp $'g',%al
  je garbage
  cmp $'w',%al
  je count
stand:
  cli
  hlt
  jmp stand
garbage:
  mov $noise,%si
  call puts
off:                       # PM1a_CNT: SLP_EN, SLP_TYP 0 is S5 on q35
  mov $0x604,%dx
  mov $0x2000,%ax
  out %ax,%dx
  jmp stand
reset:                     # ICH9 reset control
  mov $0xcf9,%dx
  mov $6,%al
  out %al,%dx
  jmp stand
triple:
  lidt zero
  int3
button:                    # PM1a_STS shows it
  mov $0x600,%dx
1: sti
  hlt
  in %dx,%ax
  test $0x100,%ax
  jz 1b
  jmp off
panic:                     # find 1b36:0011 on bus 0, then write 1 to its BAR 0 with a flat segment
  mov $0x80000000,%ebx
1: mov $0xcf8,%dx
  mov %ebx,%eax
  out %eax,%dx
  mov $0xcfc,%dx
  in %dx,%eax
  cmp $0x00111b36,%eax
  je 2f
  add $0x800,%ebx
  jmp 1b
2: mov $0xcf8,%dx
  lea 0x10(%ebx),%eax
  out %eax,%dx
  mov $0xcfc,%dx
  in %dx,%eax
  and $0xfffffff0,%eax
  mov %eax,%edi
  cli
  lgdt gdtr
  mov %cr0,%eax
  or $1,%al
  mov %eax,%cr0
  mov $8,%cx
  mov %cx,%fs
  and $0xfe,%al
  mov %eax,%cr0
  movb $1,%fs:(%edi)
  jmp stand
count:                     # counter in memory at 0x7e00, sector buffer at 0x8000
  call load
  mov 0x8000,%eax
  mov %eax,0x7e00
1: call load
  mov 0x8000,%eax
  cmp 0x7e00,%eax
  je 2f
  mov $differ,%si
  call puts
  jmp stand
2: incl 0x7e00
  incl 0x8000
  mov $0x43,%ah
  call disk
  mov 0x7e00,%ebx
  mov $8,%cx
3: rol $4,%ebx
  mov %bl,%al
  and $15,%al
  add $0x41,%al
  call putc
  loop 3b
  mov $10,%al
  call putc
  sti
  hlt
  jmp 1b
load:
  mov $0x42,%ah
disk:
  xor %al,%al
  mov drive,%dl
  mov $packet,%si
  int $0x13
  jc failed
  ret
failed:
  mov $broken,%si
  call puts
  jmp stand
puts:
  lodsb
  test %al,%al
  jz 1f
  call putc
  jmp puts
1: ret
putc:
  push %ax
  mov $0x3fd,%dx
1: in %dx,%al
  test $0x20,%al
  jz 1b
  pop %ax
  mov $0x3f8,%dx
  out %al,%dx
  ret
banner: .asciz "guest up\r\n"
noise: .byte 0xff,0xfe,0x1b
  .ascii "[31mred"
  .byte 0x1b
  .asciz "[0m\r\nlogin: "
differ: .asciz "DIFFER\n"
broken: .asciz "BROKEN\n"
drive: .byte 0
zero: .word 0
  .long 0
gdtr: .word 15
  .long gdt
gdt: .quad 0
  .quad 0x00cf92000000ffff
packet: .byte 16,0
  .word 1,0x8000,0
  .quad 1

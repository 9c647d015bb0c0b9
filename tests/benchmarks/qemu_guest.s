# A guest for a comparison with QEMU: fills its memory, then writes some pages at every tick of a 1 kHz timer.
#   as --32 --defsym MIB=1024 --defsym WRITES=50 qemu_guest.s; ld -m elf_i386 -Ttext 0x100000 --oformat binary
# The loader finds a Multiboot header, so no disk and no firmware are needed. Port 0xe9 says "F" when memory is filled.

.intel_syntax noprefix
.code32
.set PAGE, 4096
.set DATA, 0x400000
.set DATA_PAGES, MIB * 256 - DATA / PAGE - 64
.set MAGIC, 0x1BADB002
.set ADDRESSES_GIVEN, 1 << 16
.set TIMER_VECTOR, 0x20
.set TIMER_DIVISOR, 1193

.global _start
header:
    .long MAGIC, ADDRESSES_GIVEN, -(MAGIC + ADDRESSES_GIVEN)
    .long header, header, end_of_load, end_of_memory, _start

_start:
    cli
    cld
    lea esp, [stack_top]
    lgdt [segments_pointer]
    push 8
    lea eax, [reloaded]
    push eax
    retf
reloaded:
    mov eax, 16
    mov ds, eax
    mov es, eax
    mov ss, eax

# Every page is full of its own number, scattered and never zero.
    mov edi, DATA
    mov edx, 1
fill_page:
    imul eax, edx, 0x2545F491
    or eax, 1
    mov ecx, PAGE / 4
    rep stosd
    inc edx
    cmp edx, DATA_PAGES
    jbe fill_page

# One gate for the timer; all other interrupts stay masked.
    lea eax, [tick]
    mov edx, eax
    and eax, 0xFFFF
    or eax, 8 << 16
    mov [gates + TIMER_VECTOR * 8], eax
    and edx, 0xFFFF0000
    or edx, 0x8E00
    mov [gates + TIMER_VECTOR * 8 + 4], edx
    lidt [gates_pointer]
    lea esi, [port_settings]
    mov ecx, (end_of_settings - port_settings) / 2
    xor edx, edx
next_port:
    lodsb
    mov dl, al
    lodsb
    out dx, al
    loop next_port
    mov ebx, 1
    sti
asleep:
    hlt
    jmp asleep

# ebx walks through a full-period generator; its upper bits choose the page.
tick:
    inc dword ptr [ticks]
    mov ebp, [ticks]
    mov ecx, WRITES
    jecxz done
write_page:
    imul ebx, ebx, 69069
    inc ebx
    mov eax, DATA_PAGES
    mul ebx
    shl edx, 12
    mov [DATA + edx + 128], ebp
    dec ecx
    jnz write_page
done:
    mov al, 0x20
    out 0x20, al
    iretd

# Pairs of port and byte: both interrupt controllers, timer 0 as rate generator, then the word that all is ready.
port_settings:
    .byte 0x20, 0x11, 0xA0, 0x11, 0x21, TIMER_VECTOR, 0xA1, TIMER_VECTOR + 8, 0x21, 4, 0xA1, 2, 0x21, 1, 0xA1, 1
    .byte 0x21, 0xFE, 0xA1, 0xFF, 0x43, 0x34, 0x40, TIMER_DIVISOR & 0xFF, 0x40, TIMER_DIVISOR >> 8, 0xE9, 'F'
end_of_settings:

.balign 8
segments:
    .quad 0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF
segments_pointer:
    .word segments_pointer - segments - 1
    .long segments
gates_pointer:
    .word gates_end - gates - 1
    .long gates
.balign 8
gates:
    .fill (TIMER_VECTOR + 1) * 8
gates_end:
ticks:
    .long 0
end_of_load:
    .fill 4096
stack_top:
end_of_memory:

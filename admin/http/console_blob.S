/* The console's files, one behind the other; console_files.inc says where each begins. */
    .section .rodata
    .global penstock_console_blob
    .balign 16
penstock_console_blob:
    .incbin PENSTOCK_CONSOLE_BLOB
    .byte 0
    .section .note.GNU-stack, "", %progbits

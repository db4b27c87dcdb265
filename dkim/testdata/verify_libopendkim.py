"""Like verify_dkimpy.py, as OpenDKIM's library sees it: the one under
opendkim-testmsg, called here because that program can't be told where the DNS is."""

import ctypes
import os
import sys

SETOPT, QUERYMETHOD, QUERYINFO, MODE_FILE = 1, 6, 7, 1
PASSED, BODY_MATCH = 0x04, 0

lib = ctypes.CDLL("libopendkim.so.11")
for function in ("dkim_init", "dkim_verify"):
    getattr(lib, function).restype = ctypes.c_void_p
for function in ("dkim_sig_getselector", "dkim_sig_geterrorstr"):
    getattr(lib, function).restype = ctypes.c_char_p

handle = ctypes.c_void_p(lib.dkim_init(None, None))
method = ctypes.c_int(MODE_FILE)
lib.dkim_options(handle, SETOPT, QUERYMETHOD, ctypes.byref(method), ctypes.c_size_t(4))
records = ctypes.create_string_buffer(sys.argv[1].encode())
lib.dkim_options(handle, SETOPT, QUERYINFO, records, ctypes.c_size_t(len(records.value)))


def check(file, message):
    status = ctypes.c_int()
    dkim = ctypes.c_void_p(lib.dkim_verify(handle, file.encode(), None, ctypes.byref(status)))
    for text in (message, None):
        lib.dkim_chunk(dkim, text, ctypes.c_size_t(len(text or b"")))
    lib.dkim_eom(dkim, None)
    signatures, count = ctypes.POINTER(ctypes.c_void_p)(), ctypes.c_int()
    lib.dkim_getsiglist(dkim, ctypes.byref(signatures), ctypes.byref(count))
    for i in range(count.value):
        signature = ctypes.c_void_p(signatures[i])
        lib.dkim_sig_process(dkim, signature)
        good = lib.dkim_sig_getflags(signature) & PASSED and lib.dkim_sig_getbh(signature) == BODY_MATCH
        why = lib.dkim_sig_geterrorstr(lib.dkim_sig_geterror(signature)) or b"no reason given"
        print(file, lib.dkim_sig_getselector(signature).decode(), "pass" if good else "fail: " + why.decode())
    lib.dkim_free(dkim)


for file in sorted(os.listdir(sys.argv[2])):
    with open(os.path.join(sys.argv[2], file), "rb") as f:
        check(file, f.read())
lib.dkim_close(handle)

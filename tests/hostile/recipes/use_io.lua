-- expect: `io` is not there
return io.open("/etc/passwd")

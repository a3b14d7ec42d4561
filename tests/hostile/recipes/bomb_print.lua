-- expect: `print`: expected at most 65536 bytes
while true do print(("x"):rep(1000)) end

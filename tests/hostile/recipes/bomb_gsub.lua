-- expect: expected to use at most 16 MiB
local text = ("x"):rep(100000)
return (text:gsub("x", text))

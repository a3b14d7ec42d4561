-- expect: expected to use at most 16 MiB
local list = {}
for i = 1, 100 do list[i] = ("x"):rep(1000000) end
return table.concat(list)

-- expect: expected to use at most 16 MiB
local list = {}
for i = 1, 1e9 do list[i] = { i } end

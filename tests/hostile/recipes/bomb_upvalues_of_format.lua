-- expect: string.format: expected at most 200 values
local list = {}
for i = 1, 5000 do list[i] = i end
return string.format("%d", table.unpack(list))

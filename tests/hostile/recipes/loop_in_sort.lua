-- expect: does not end
local list = {}
for i = 1, 100 do list[i] = i end
table.sort(list, function(a, b) while true do end end)

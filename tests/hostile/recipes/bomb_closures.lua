-- expect: expected to use at most 16 MiB
local made = {}
for i = 1, 1e9 do made[i] = function() return made[i] end end

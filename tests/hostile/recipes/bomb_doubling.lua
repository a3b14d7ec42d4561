-- expect: expected to use at most 16 MiB
local text = "x"
while true do text = text .. text end

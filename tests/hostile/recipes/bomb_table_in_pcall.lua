-- expect: expected to use at most 16 MiB
local keep = {}
local function fill() for i = 1, 1e9 do keep[#keep + 1] = { i } end end
pcall(fill)
fill()

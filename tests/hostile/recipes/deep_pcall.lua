-- expect: stack overflow
local function deeper() local ok, why = pcall(deeper) if not ok then error(why, 0) end end
deeper()

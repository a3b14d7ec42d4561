-- expect: does not end
local function again() return again() end
local function start() while true do pcall(again) end end
start()

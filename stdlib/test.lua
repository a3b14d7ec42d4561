--- `require "cloudbuild.test"`: what `cloudbuild recipe test FILE_test.lua` offers to tests of recipes.
local native = ...

local t = {}

--- One case: a sentence of behaviour, and a function that raises an error when it is not so.
---@param sentence string
---@param body fun()
function t.case(sentence, body) native.case(sentence, body) end

--- Runs a recipe of the test's folder on an archive that never was.
--- Options: `args` (the recipe's arguments), `archive` (sources by name, each with `binaries`, `build_depends`,
--- `section`, `version`, `component`, `architecture`, `size`), `failures` (a failure's class by source), `arch`.
--- Gives: `requests` (what it asked of the primitives), `built`, `published`, `result`.
---@param file string
---@return fun(options: table?): table
function t.recipe(file)
  return function(options) return native.recipe(file, options or {}) end
end

--- The requests of one primitive, in order.
---@param run table
---@param primitive string
---@return table[]
function t.requests(run, primitive)
  local found = {}
  for _, request in ipairs(run.requests) do
    if request.primitive == primitive then found[#found + 1] = request end
  end
  return found
end

local function shown(value)
  if type(value) == "string" then return "`" .. value .. "`" end
  return tostring(value)
end

--- Where two values differ first; nil: nowhere.
local function difference(got, expected, path)
  if type(got) ~= "table" or type(expected) ~= "table" then
    if got == expected then return nil end
    return path .. ": expected " .. shown(expected) .. ", got " .. shown(got)
  end
  local keys = {}
  for key in pairs(expected) do keys[#keys + 1] = key end
  for key in pairs(got) do
    if expected[key] == nil then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do
    local inner = type(key) == "number" and path .. "[" .. key .. "]" or path .. "." .. tostring(key)
    local found = difference(got[key], expected[key], inner)
    if found then return found end
  end
  return nil
end

--- Both are the same, tables by what is in them.
---@param got any
---@param expected any
---@param what string?
function t.equal(got, expected, what)
  local found = difference(got, expected, what or "value")
  if found then error(found, 2) end
end

--- The function raises an error, one that contains this text; gives the error's text.
---@param body fun()
---@param text string?
---@return string
function t.raises(body, text)
  local ok, why = pcall(body)
  if ok then error("expected an error" .. (text and " with `" .. text .. "`" or "") .. ", got none", 2) end
  why = tostring(why)
  if text and not string.find(why, text, 1, true) then
    error("expected an error with `" .. text .. "`, got `" .. why .. "`", 2)
  end
  return why
end

return t

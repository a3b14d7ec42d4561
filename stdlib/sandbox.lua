--- Replaces what the base library has by versions that are bounded and the same in every run.
--- Runs once in a new VM, before the globals are closed; `native` has what Rust lends.
local native = ...

local error, select, type = error, select, type
local raw_find, raw_format, raw_gsub, raw_rep = string.find, string.format, string.gsub, string.rep
local raw_pcall, raw_xpcall, raw_tostring = pcall, xpcall, tostring

--- Bytes that `string.rep` may make, and steps that a plain search may take: neither can be interrupted.
local most_bytes, most_steps = 1048576, 1073741824

local replaced = { string = {} }

--- Addresses differ from run to run, so they are never shown.
local function show(value)
  local kind = type(value)
  if kind == "string" then return value end
  local text = raw_tostring(value)
  if kind == "number" or kind == "boolean" or kind == "nil" then return text end
  return (raw_gsub(text, "^([%a ]+): 0x%x+$", "%1"))
end
replaced.tostring = function(...)
  if select("#", ...) == 0 then error("tostring: expected a value, got nothing", 2) end
  return show((...))
end

--- What Rust raised is caught as its text; what a recipe raised is caught as it is.
local function plain(problem)
  if type(problem) == "userdata" then return native.caught(problem) end
  return problem
end
local function settle(ok, ...)
  if ok then return true, ... end
  return false, plain((...))
end
replaced.pcall = function(body, ...) return settle(raw_pcall(body, ...)) end
replaced.xpcall = function(body, handler, ...)
  if type(handler) ~= "function" then error("xpcall: expected a function as handler, got " .. type(handler), 2) end
  return settle(raw_xpcall(body, function(problem) return handler(plain(problem)) end, ...))
end

replaced.string.rep = function(text, count, separator)
  if type(text) == "string" and type(count) == "number" then
    local unit = #text + (type(separator) == "string" and #separator or 0)
    if unit * count > most_bytes then
      error("string.rep: expected a result of at most " .. most_bytes .. " bytes, got " .. unit .. " times " .. count, 2)
    end
  end
  if separator == nil then return raw_rep(text, count) end
  if type(text) ~= "string" or type(separator) ~= "string" or type(count) ~= "number" then
    error("string.rep: expected a string, a number and a string", 2)
  end
  if count < 1 then return "" end
  return raw_rep(text .. separator, count - 1) .. text
end

replaced.string.find = function(text, pattern, ...)
  if type(text) == "string" and type(pattern) == "string" and #text * #pattern > most_steps then
    error("string.find: expected a shorter text or pattern, got " .. #text .. " and " .. #pattern .. " bytes", 2)
  end
  return raw_find(text, pattern, ...)
end

replaced.string.format = function(format, ...)
  local count = select("#", ...)
  if count > 200 then error("string.format: expected at most 200 values, got " .. count, 2) end
  local values = { ... }
  for at = 1, count do
    local kind = type(values[at])
    if kind ~= "string" and kind ~= "number" and kind ~= "nil" and kind ~= "boolean" then
      values[at] = show(values[at])
    end
  end
  return raw_format(format, native.unpack(values, 1, count))
end

replaced.print = function(...)
  local texts = { ... }
  for at = 1, select("#", ...) do
    texts[at] = show(texts[at])
  end
  native.print(native.concat(texts, "\t"))
end

return replaced

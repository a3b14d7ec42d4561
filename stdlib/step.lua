--- A primitive as recipes call it. It is a step of `run`, so it is refused where Lua's own machinery stands between:
--- in a comparison of `table.sort`, a replacement of `string.gsub`, or a metamethod. Nobody who reads a recipe sees there
--- in which order its steps are, or how many.
local is_yieldable, perform, refuse = ...

return function(...)
  if not is_yieldable() then refuse() end
  return perform(...)
end

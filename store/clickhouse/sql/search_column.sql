-- In how many rows of a column each text occurs, in whatever part they lie, without regard to case.
SELECT sumForEach(arrayMap(one -> toUInt64(positionCaseInsensitiveUTF8(toString({column:Identifier}), one) > 0), {texts:Array(String)})) AS rows
FROM {table:Identifier}

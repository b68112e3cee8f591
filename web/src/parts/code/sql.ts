// SQL as ClickHouse writes it: what is offered comes from the caller.
import { SQLDialect } from '@codemirror/lang-sql'
import { LanguageSupport } from '@codemirror/language'

const words =
  'all and anti any array as asc asof between by case cross cube current desc describe distinct else end ephemeral except exists explain filter final first following format from full global grouping group having if ilike in inner interpolate intersect interval into is join key last left like limit materialized not nulls offset on or order outer over partition paste preceding prewhere qualify range right rollup row rows sample select semi settings show step syntax table ties then to totals unbounded union using values view when where window with fill ' +
  'second minute hour day week month quarter year'

const types = 'array bool date date32 datetime datetime64 decimal enum8 enum16 fixedstring float32 float64 int8 int16 int32 int64 int128 int256 ipv4 ipv6 json lowcardinality map nullable string tuple uint8 uint16 uint32 uint64 uint128 uint256 uuid variant dynamic'

const dialect = SQLDialect.define({ keywords: words, types, builtin: '', backslashEscapes: true, hashComments: true, slashComments: false, identifierQuotes: '`"', operatorChars: '*+-%<>!=|~/', doubleDollarQuotedStrings: true })

export const clickHouse = (): LanguageSupport => new LanguageSupport(dialect.language)

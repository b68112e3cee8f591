package clickhouse

import (
	"fmt"
	"strings"

	"nightjar/api/services/facets"
	"nightjar/schema"
)

// byStates reports whether the table is that of states.
func (c *counting) byStates() bool { return c.table == schema.SignalStates.Name }

// apartSQL counts the values of lists, of one field. Where lists are many, to count them
// first takes ten times as long as to count their values.
func (c *counting) apartSQL(q facets.Question, field int, lists string) string {
	return fmt.Sprintf(`SELECT toUInt8(%d) AS i, v, n, d, toInt64(0) AS a, toInt64(0) AS b FROM (
			SELECT v, count() AS n, countIf(v != %[2]s) OVER () AS d FROM (
				SELECT arrayJoin(if(empty(%[3]s), [%[2]s], %[3]s)) AS v FROM %[4]s%[5]s WHERE %[6]s)%[7]s
			GROUP BY v ORDER BY v = %[2]s DESC, n DESC, v LIMIT %[8]d)`, field, noValue, lists, c.table, c.final, c.where, c.fits(q), q.Limit+1)
}

// numbered are columns of few texts, and those that have the place of the text among these.
var numbered = map[string]struct {
	column string
	texts  []string
}{
	"status": {"severity_rank", severityNames()},
	"state":  {"stage", schema.SignalStages},
}

func severityNames() (names []string) {
	for _, s := range schema.Severities {
		names = append(names, string(s))
	}
	return names
}

// stateHistogramSQL is pointsSQL over states: it counts by small numbers, which takes a
// third of the time that texts take, and names them after that.
func (c *counting) stateHistogramSQL(q facets.HistogramQuestion, starts []int64) string {
	at := "roundDown(toUnixTimestamp64Milli(timestamp), " + c.p.Ints(starts) + ")"
	if width := widthOf(q.Bounds); width > 0 { // a division is faster than a search
		at = fmt.Sprintf("%d + greatest(0, intDiv(toUnixTimestamp64Milli(timestamp) - %[1]d, %[2]d)) * %[2]d", starts[0], width)
	}
	columns, keys, shown := []string{at + " AS at"}, []string{"at"}, []string{"at"}
	for i, f := range q.Groups {
		sql, _ := c.values(f.Field)
		key := fmt.Sprintf("g%d", i)
		name := "toString(" + key + ")"
		if of, ok := numbered[sql]; ok {
			sql, name = of.column, "['"+strings.Join(of.texts, "', '")+"']["+key+"]"
		}
		columns, keys, shown = append(columns, sql+" AS "+key), append(keys, key), append(shown, name)
	}
	return fmt.Sprintf("SELECT %s, n FROM (SELECT %s, count() AS n FROM %s%s WHERE %s GROUP BY %s LIMIT %d)",
		strings.Join(shown, ", "), strings.Join(columns, ", "), c.table, c.final, c.where, strings.Join(keys, ", "), maxPointsRead)
}

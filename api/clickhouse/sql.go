package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/api"
	"nightjar/api/services/events"
	"nightjar/clickhouse"
)

// SQL runs ad hoc queries as the user who may only read: whoever hands over the
// connection has to see to that.
type SQL struct{ conn driver.Conn }

// NewSQL runs over conn, a connection of the analyst.
func NewSQL(conn driver.Conn) *SQL { return &SQL{conn} }

// maxResult bounds the text of an answer, in bytes, whatever the rows' number.
const maxResult = 64 << 20

// QuerySQL implements api.SQL. When ctx ends, the query ends on the server too.
func (s *SQL) QuerySQL(ctx context.Context, query string, params map[string]any, limit int) (events.SQLResult, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	travelling := ch.Parameters{}
	for name, value := range params {
		travelling[name] = paramText(value)
	}
	checking := ch.Context(ctx, ch.WithParameters(travelling))
	var not *clickhouse.NotAllowedError
	if err := clickhouse.CheckAdHoc(checking, s.conn, query); errors.As(err, &not) {
		return events.SQLResult{}, &api.RefusedError{Message: err.Error()}
	} else if err != nil {
		return events.SQLResult{}, refusal(ctx, query, err)
	}
	rows, err := s.conn.Query(progressing(ctx, ch.WithParameters(travelling)), query)
	if err != nil {
		return events.SQLResult{}, refusal(ctx, query, err)
	}
	defer func() {
		cancel() // before Close, which would read the rest of the rows
		rows.Close()
	}()
	var out events.SQLResult
	types := rows.ColumnTypes()
	for _, c := range types {
		out.Columns = append(out.Columns, events.SQLColumn{Name: c.Name(), Type: c.DatabaseTypeName()})
	}
	size := 0
	for rows.Next() {
		if len(out.Rows) == limit || size > maxResult {
			out.Truncated = true
			return out, nil
		}
		row, err := scanRow(rows, types)
		if err != nil {
			return out, refusal(ctx, query, err)
		}
		for _, cell := range row {
			size += cellSize(cell)
		}
		out.Rows = append(out.Rows, row)
	}
	return out, refusal(ctx, query, rows.Err())
}

// paramText is the value as a parameter travels. Lists are array literals.
func paramText(value any) string {
	list, ok := value.([]any)
	if !ok {
		return clickhouse.Text(scalarText(value))
	}
	return arrayText(list)
}

func arrayText(list []any) string {
	parts := make([]string, len(list))
	for i, e := range list {
		switch e := e.(type) {
		case []any:
			parts[i] = arrayText(e)
		case string:
			parts[i] = "'" + clickhouse.Element(e) + "'"
		default:
			parts[i] = scalarText(e)
		}
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func scalarText(value any) string {
	if f, ok := value.(float64); ok {
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return strconv.FormatInt(int64(f), 10)
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return fmt.Sprint(value) // a string or a boolean
}

func scanRow(rows driver.Rows, types []driver.ColumnType) ([]any, error) {
	targets := make([]any, len(types))
	for i, c := range types {
		targets[i] = reflect.New(c.ScanType()).Interface()
		if isJSON(c.DatabaseTypeName()) {
			targets[i] = new(jsonColumn)
		}
	}
	if err := rows.Scan(targets...); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	row := make([]any, len(types))
	for i, target := range targets {
		if j, ok := target.(*jsonColumn); ok {
			row[i] = j.cell
			continue
		}
		row[i] = cell(reflect.ValueOf(target).Elem(), types[i].DatabaseTypeName())
	}
	return row, nil
}

// refusal is what the server says against a query, in its words, without what
// concerns only the server: its version, its addresses, its folders, its stack.
func refusal(ctx context.Context, query string, err error) error {
	var said *ch.Exception
	if errors.As(err, &said) {
		return saidRefusal(query, said)
	}
	var unsupported *column.UnsupportedColumnTypeError
	var unconvertible *column.ColumnConverterError
	if errors.As(err, &unsupported) || errors.As(err, &unconvertible) || errors.Is(err, errUnreadable) {
		return &api.RefusedError{Message: "a column of the result has a type that cannot be shown; convert it, for example with toString, or finalizeAggregation where it is the state of an aggregate"}
	}
	return connError(ctx, err)
}

// errUnreadable marks a row that could not be read.
var errUnreadable = errors.New("unreadable row")

func saidRefusal(query string, said *ch.Exception) error {
	if text, ok := verdicts[said.Code]; ok {
		return &api.RefusedError{Message: text}
	}
	text := withoutInsides(said.Message, query)
	if r := []rune(text); len(r) > 2000 {
		text = string(r[:2000]) + "…"
	}
	return &api.RefusedError{Message: placeOf(query, said) + fmt.Sprintf("ClickHouse (code %d): %s", said.Code, strings.TrimSpace(text))}
}

var (
	syntaxPlace = regexp.MustCompile(`Syntax error: failed at position (\d+)`)
	unknownName = regexp.MustCompile("^Unknown (?:table )?(?:expression|expression or function|function|table)?(?: expression)? ?identifier '?`?([\\w.]+)|^Function with name `([\\w]+)` does not exist")
)

// placeOf is where a query is wrong, as "line:column: ", both from 1 and columns in
// characters; empty where that is not known. Of what can't be parsed the server says the
// place, in bytes from the beginning of what CheckAdHoc asks; of a name that nothing has,
// only the name, which is looked for.
func placeOf(query string, said *ch.Exception) string {
	if found := syntaxPlace.FindStringSubmatch(said.Message); found != nil {
		at, err := strconv.Atoi(found[1])
		at -= len(clickhouse.AdHocCheck) + 1
		if err != nil || at < 0 || at > len(query) {
			return ""
		}
		return linePlace(query, at)
	}
	if name := unknownName.FindStringSubmatch(withoutInsides(said.Message, query)); name != nil {
		if at := wordIn(query, name[1]+name[2]); at >= 0 {
			return linePlace(query, at)
		}
	}
	return ""
}

func linePlace(query string, at int) string {
	before := query[:at]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("%d:%d: ", strings.Count(before, "\n")+1, utf8.RuneCountInString(line)+1)
}

// wordIn is where a name first stands in a query by itself, outside of texts and comments;
// -1: nowhere.
func wordIn(query, name string) int {
	for _, at := range names.FindAllStringIndex(query, -1) {
		if query[at[0]:at[1]] == name {
			return at[0]
		}
	}
	return -1
}

// names are the words of a query, and what else may have words in it, as a whole.
var names = regexp.MustCompile(`'(?:\\.|\'\'|[^'\\])*'|--[^\n]*|(?s:/\*.*?\*/)|[A-Za-z_][\w.]*`)

// withoutInsides is what the server said without what it said of itself. A path
// that the query has is the caller's own.
func withoutInsides(text, query string) string {
	for _, noise := range noises {
		text = noise.ReplaceAllString(text, "")
	}
	return absolutePath.ReplaceAllStringFunc(text, func(found string) string {
		if path := found[strings.IndexByte(found, '/'):]; !strings.Contains(query, path) {
			return strings.TrimSuffix(found, path) + "…"
		}
		return found
	})
}

var absolutePath = regexp.MustCompile(`(?:^|[\s'"` + "`" + `(:=,])(?:/[\w.@+-]+){2,}/?`)

// verdicts are plainer words for the limits that an analyst meets.
var verdicts = map[int32]string{
	159: "the query took longer than ad hoc queries may; narrow it, by time first",
	160: "the query would take longer than ad hoc queries may; narrow it, by time first",
	158: "the query reads more rows than ad hoc queries may; narrow it, by time first",
	307: "the query reads more bytes than ad hoc queries may; narrow it, by time first",
	241: "the query needs more memory than ad hoc queries may use; narrow it or aggregate",
	396: "the result is larger than ad hoc queries may return; add a LIMIT or aggregate",
	202: "too many queries are running; try again",
}

var noises = []*regexp.Regexp{
	regexp.MustCompile(`^(Code: \d+\. )?DB::Exception: `),
	regexp.MustCompile(` ?\(version [^)]*\)`),
	regexp.MustCompile(`,? ?Stack trace[\s\S]*$`),
	regexp.MustCompile(`[Rr]eceived from [^ ]+\.? ?`),
	regexp.MustCompile(`\b(\d{1,3}\.){3}\d{1,3}:\d+\b|\[[0-9a-fA-F:]+\]:\d+|localhost:\d+`),
}

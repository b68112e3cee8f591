package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// NotAllowedError refuses ad hoc SQL for something in it that is not among what it
// may have.
type NotAllowedError struct{ What string }

func (e *NotAllowedError) Error() string { return e.What + " is not allowed in ad hoc queries" }

// AdHocCheck stands before a query when the server's parser is asked about it: places in
// what the server says against the query count from its beginning.
const AdHocCheck = "EXPLAIN AST "

// CheckAdHoc lets SQL of a person's through that is made only of what is known to
// read and compute. An embedded server answers some functions to every user, whatever
// was granted: file(…) reads the folder in which the rows of every table are.
//
// The question is put to the server's own parser, which executes nothing, so that no
// comment, quote or escape in the text hides a name. ctx carries the parameters of
// the query, if it has any; conn should be the analyst's.
func CheckAdHoc(ctx context.Context, conn driver.Conn, query string) error {
	rows, err := conn.Query(ctx, AdHocCheck+query)
	if err != nil {
		return fmt.Errorf("parse the query: %w", err)
	}
	defer rows.Close()
	var check adHocCheck
	for rows.Next() {
		var node string
		if err := rows.Scan(&node); err != nil {
			return fmt.Errorf("read the parsed query: %w", err)
		}
		if err := check.node(node); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("parse the query: %w", err)
	}
	return check.end()
}

// adHocCheck looks at a parsed query, a node at a time.
type adHocCheck struct {
	catalog string // a table of the system's that has paths, which is read
	every   bool   // every column of something is read
	path    string // a column that is named like one with paths

	lambda int // the depth at which a lambda stands next; 0: none
	last   string
}

// allowedNodes are the kinds of nodes that a query may be made of: those of a
// SELECT, and of statements that describe what an analyst may see.
var allowedNodes = wordsOf(`SelectWithUnionQuery SelectQuery SelectIntersectExceptQuery Subquery ExpressionList Function Literal Identifier
	Asterisk QualifiedAsterisk ColumnsRegexpMatcher ColumnsListMatcher QualifiedColumnsRegexpMatcher QualifiedColumnsListMatcher
	ColumnsTransformerList ColumnsExceptTransformer ColumnsReplaceTransformer ColumnsReplaceTransformer::Replacement
	TablesInSelectQuery TablesInSelectQueryElement TableExpression TableIdentifier TableJoin ArrayJoin SampleRatio
	WithElement WindowListElement WindowDefinition OrderByElement InterpolateElement QueryParameter NameTypePair DataType DataTypes
	Explain DescribeQuery ShowTables ShowColumns ShowIndexes ShowFunctions ShowGrantsQuery ShowCreateTableQuery ShowCreateDatabaseQuery Set`)

//go:embed functions.txt
var functionNames string

// allowedFunctions are those that compute with what they are given, as scalars,
// aggregates or tables, in small letters.
var allowedFunctions = wordsOf(functionNames)

// combinators may end the name of an aggregate function.
var combinators = []string{"if", "array", "map", "ornull", "ordefault", "distinct", "foreach", "resample", "simplestate", "state", "merge", "mergestate", "null", "argmin", "argmax"}

func wordsOf(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}

// allowedFunction reports whether ad hoc SQL may call the function.
func allowedFunction(name string) bool {
	name = strings.ToLower(name)
	if allowedFunctions[name] {
		return true
	}
	for _, c := range combinators {
		if base, ok := strings.CutSuffix(name, c); ok && base != "" && allowedFunction(base) {
			return true
		}
	}
	return false
}

// pathColumns are those of the catalog that say where the server keeps things.
var pathColumns = map[string]bool{"data_paths": true, "metadata_path": true, "data_path": true}

// node looks at a line of EXPLAIN AST: the kind of a node, its name, and more.
func (c *adHocCheck) node(line string) error {
	depth := len(line) - len(strings.TrimLeft(line, " "))
	kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	name, _, _ := strings.Cut(strings.TrimSpace(rest), " (")
	switch {
	case !allowedNodes[kind]:
		return &NotAllowedError{plainKind(kind)}
	case kind == "Function" && !allowedFunction(name):
		return &NotAllowedError{"the function " + name}
	case kind == "Identifier" && depth == c.lambda && !allowedFunction(name):
		return &NotAllowedError{"the function " + name}
	case kind == "TableIdentifier" && (strings.EqualFold(name, "system.tables") || strings.EqualFold(name, "system.databases")):
		c.catalog = name
	case kind == "Identifier" && pathColumns[name[strings.LastIndexByte(name, '.')+1:]]:
		c.path = name
	case strings.Contains(kind, "Asterisk") || strings.HasSuffix(kind, "Matcher"):
		c.every = true
	}
	c.expectLambda(kind, name, rest, depth)
	return nil
}

// takeLambdas are the functions whose first argument, of several, is a function. Its
// name alone will do, and looks like that of a column.
var takeLambdas = wordsOf(`arraymap arrayfilter arrayfill arrayreversefill arraysplit arrayreversesplit arrayexists arrayall arrayfirst
	arrayfirstornull arrayfirstindex arraylast arraylastornull arraylastindex arraycount arraymin arraymax arraysum arrayavg arrayproduct
	arraycumsum arraycumsumnonnegative arraysort arrayreversesort arrayfold arraycompact arraydifference
	mapapply mapfilter mapexists mapall mapsort mapreversesort`)

// expectLambda remembers where the next node is a function by its place: it is the
// first of the list that follows such a function.
func (c *adHocCheck) expectLambda(kind, name, rest string, depth int) {
	c.lambda = 0
	if kind == "ExpressionList" && takeLambdas[c.last] && !strings.Contains(rest, "(children 1)") {
		c.lambda = depth + 1
	}
	if c.last = ""; kind == "Function" {
		c.last = strings.ToLower(name)
	}
}

// end judges the whole.
func (c *adHocCheck) end() error {
	switch {
	case c.catalog != "" && c.every:
		return &NotAllowedError{"* beside " + c.catalog + " (name the columns)"}
	case c.catalog != "" && c.path != "":
		return &NotAllowedError{"the column " + c.path}
	}
	return nil
}

// plainKind names what is refused as its writer does.
func plainKind(kind string) string {
	if kind == "ColumnsApplyTransformer" {
		return "APPLY, which could call any function,"
	}
	return "this kind of statement or clause (" + kind + ")"
}

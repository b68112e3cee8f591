package events

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"nightjar/api"
	"nightjar/api/sqlguard"
	pb "nightjar/api/v1"
)

// SQLService serves SQLService.
type SQLService struct {
	pb.UnimplementedSQLServiceServer
	DB  SQL
	Now func() time.Time
}

// maxSQLRows is how many rows an answer has at most.
const maxSQLRows = 10_000

// Query runs one query.
func (s *SQLService) Query(ctx context.Context, in *pb.QueryRequest) (*pb.QueryResponse, error) {
	format := in.GetFormat()
	if format != "" && format != "json" && format != "csv" {
		return nil, api.BadRequest("format", "want json or csv, got %q", format)
	}
	query, err := sqlguard.WithNames(in.GetQuery(), in.GetSchema())
	if err != nil {
		return nil, err
	}
	if query, err = sqlguard.Check(query); err != nil {
		return nil, err
	}
	params, err := sqlParams(in.GetParams())
	if err != nil {
		return nil, err
	}
	start := s.Now()
	result, err := s.DB.QuerySQL(ctx, query, params, maxSQLRows)
	if err != nil {
		return nil, err
	}
	out := &pb.QueryResponse{Truncated: result.Truncated, ElapsedMs: s.Now().Sub(start).Milliseconds()}
	for _, c := range result.Columns {
		out.Columns = append(out.Columns, &pb.Column{Name: c.Name, Type: c.Type})
	}
	if result.Truncated {
		out.Warnings = append(out.Warnings, fmt.Sprintf("rows: only the first %d are shown; add a LIMIT or aggregate", len(result.Rows)))
	}
	if format == "csv" {
		text, err := sqlCSV(&result)
		out.Csv = &text
		return out, err
	}
	for _, row := range result.Rows {
		text, err := json.Marshal(row)
		if err != nil {
			return nil, fmt.Errorf("encode row: %w", err)
		}
		out.RowsText = append(out.RowsText, string(text))
	}
	return out, nil
}

// sqlParams are the parameters' values: string, float64, bool or lists of these.
func sqlParams(in map[string]*structpb.Value) (map[string]any, error) {
	out := map[string]any{}
	for name, v := range in {
		if !isParam(v) {
			return nil, api.BadRequest("params."+name, "want a string, a number, a boolean or a list of these")
		}
		out[name] = v.AsInterface()
	}
	return out, nil
}

func isParam(v *structpb.Value) bool {
	switch v := v.GetKind().(type) {
	case *structpb.Value_StringValue, *structpb.Value_NumberValue, *structpb.Value_BoolValue:
		return true
	case *structpb.Value_ListValue:
		return !slices.ContainsFunc(v.ListValue.GetValues(), func(e *structpb.Value) bool { return !isParam(e) })
	}
	return false
}

func sqlCSV(r *SQLResult) (string, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	record := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		record[i] = c.Name
	}
	if err := w.Write(record); err != nil {
		return "", fmt.Errorf("write CSV: %w", err)
	}
	for _, row := range r.Rows {
		for i, cell := range row {
			record[i] = csvCell(cell)
		}
		if err := w.Write(record); err != nil {
			return "", fmt.Errorf("write CSV: %w", err)
		}
	}
	w.Flush()
	return b.String(), w.Error()
}

func csvCell(cell any) string {
	switch cell := cell.(type) {
	case nil:
		return ""
	case string:
		return cell
	case json.Number:
		return cell.String()
	case bool:
		return strconv.FormatBool(cell)
	}
	text, _ := json.Marshal(cell) // lists and objects of the above
	return string(text)
}

// SQL runs one query that Guard let through. api/clickhouse implements it.
type SQL interface {
	// QuerySQL stops reading after limit rows. A parameter is a string, float64,
	// bool or a []any of these. What the database says against the query is a
	// *api.RefusedError.
	QuerySQL(ctx context.Context, query string, params map[string]any, limit int) (SQLResult, error)
}

// SQLResult are the rows of a query. A cell is nil, bool, string or json.Number,
// or a list ([]any) or object (map[string]any) of these.
type SQLResult struct {
	Columns   []SQLColumn
	Rows      [][]any
	Truncated bool
}

// SQLColumn is a column of a result.
type SQLColumn struct{ Name, Type string }

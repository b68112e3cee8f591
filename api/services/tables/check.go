package tables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nightjar/api/limits"
	pb "nightjar/api/v1"
	"nightjar/scheduler/reference"
)

// What is told of a file, and after how many mistakes it is read no further.
const (
	mostProblems = 100
	mostMistakes = 10_000
	firstRows    = 5
)

// CheckTableFile reads a file as a table would, once there is room. What it finds wrong is
// what an upload of the same text would be refused for.
func (s *TableService) CheckTableFile(ctx context.Context, in *pb.CheckTableFileRequest) (*pb.CheckTableFileResponse, error) {
	return limits.Through(ctx, s.Gate, func() (*pb.CheckTableFileResponse, error) { return s.checkFile(ctx, in) })
}

func (s *TableService) checkFile(ctx context.Context, in *pb.CheckTableFileRequest) (*pb.CheckTableFileResponse, error) {
	out := &pb.CheckTableFileResponse{Key: in.GetKey()}
	var declared []reference.Field
	options := reference.CSVOptions{Columns: in.GetColumns()}
	if in.GetTableId() != "" {
		table, err := s.Store.Get(in.GetTableId())
		if err != nil {
			return nil, tableProblem(err)
		}
		declared, out.Key = table.Fields, table.Key
	}
	file, err := reference.NewCSV(strings.NewReader(in.GetText()), options)
	if err == nil && declared != nil {
		err = file.Declare(declared)
	}
	if err != nil {
		addProblem(out, err)
		return out, nil
	}
	out.Header = file.Header
	for _, f := range file.Fields {
		field := &pb.ReferenceTableField{Name: f.Name, Type: f.Type}
		if f.Match != reference.Auto {
			field.Match = new(string(f.Match))
		}
		out.Fields = append(out.Fields, field)
	}
	if out.Key == "" {
		out.Key = file.Fields[0].Name
	}
	key := slices.IndexFunc(file.Fields, func(f reference.Field) bool { return f.Name == out.Key })
	if key < 0 {
		addProblem(out, fmt.Errorf("1:1: the file has no column %q, which tells the rows apart", out.Key))
		return out, nil
	}
	return out, readRows(ctx, file, key, out)
}

// readRows counts the rows, and collects what is wrong with them. The error is that of a
// context that ended.
func readRows(ctx context.Context, file *reference.CSV, key int, out *pb.CheckTableFileResponse) error {
	seen := map[string]bool{}
	for {
		if out.Mistakes == mostMistakes {
			out.Partial, out.ReadThrough = true, int64(file.Line())
			return nil
		}
		if (out.Rows+out.Mistakes)%1000 == 0 && ctx.Err() != nil {
			return ctx.Err() // nobody waits any more
		}
		cells, err := file.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			addProblem(out, err)
			continue
		case cells[key] == "":
			addProblem(out, fmt.Errorf("%d:1: the row has no value of the primary key %s", file.Line(), out.Key))
			continue
		}
		if seen[cells[key]] {
			out.Replaced++
		}
		seen[strings.Clone(cells[key])] = true
		out.Rows++
		if len(out.First) < firstRows {
			out.First = append(out.First, &pb.TableFileRow{Values: slices.Clone(cells)})
		}
	}
}

// addProblem notes an error, which begins with its place in the file.
func addProblem(out *pb.CheckTableFileResponse, err error) {
	out.Mistakes++
	if len(out.Problems) == mostProblems {
		return
	}
	p := &pb.TableFileProblem{Message: err.Error()}
	if line, rest, ok := strings.Cut(p.Message, ":"); ok {
		if column, message, ok := strings.Cut(rest, ": "); ok {
			l, bad := strconv.ParseInt(line, 10, 64)
			c, worse := strconv.ParseInt(column, 10, 64)
			if bad == nil && worse == nil {
				p.Line, p.Column, p.Message = l, c, message
			}
		}
	}
	out.Problems = append(out.Problems, p)
}

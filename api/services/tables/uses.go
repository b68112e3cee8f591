package tables

import (
	"context"
	"slices"

	pb "nightjar/api/v1"
)

// GetReferenceTableUses is what asks a table.
func (s *TableService) GetReferenceTableUses(ctx context.Context, in *pb.GetReferenceTableRequest) (*pb.ReferenceTableUses, error) {
	table, err := s.Store.Get(in.GetId())
	if err != nil {
		return nil, tableProblem(err)
	}
	out := &pb.ReferenceTableUses{}
	rules, err := s.Rules.Rules(ctx)
	if err != nil {
		return nil, err
	}
	for i := range rules {
		r := &rules[i]
		var columns []string
		for _, t := range r.ReferenceTables {
			if t.TableName == table.Name && !slices.Contains(columns, t.ColumnName) {
				columns = append(columns, t.ColumnName)
			}
		}
		if columns != nil {
			out.Rules = append(out.Rules, &pb.ReferenceTableUse{Id: r.ID, Name: r.Name, IsEnabled: r.IsEnabled, Columns: columns})
		}
	}
	for _, l := range s.Lookups(ctx) {
		if l.Table == table.Name {
			out.Pipelines = append(out.Pipelines, &pb.ReferenceTableUse{Id: l.ID, Name: l.Name, IsEnabled: l.Enabled, Columns: []string{table.Key}})
		}
	}
	return out, nil
}

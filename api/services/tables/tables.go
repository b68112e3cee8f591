package tables

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/codec"
	"nightjar/api/limits"
	pb "nightjar/api/v1"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// TableService serves ReferenceTableService.
type TableService struct {
	pb.UnimplementedReferenceTableServiceServer
	Store   Store
	Uploads *uploads
	Rules   interface { // knows which rules ask tables
		Rules(context.Context) ([]schema.Rule, error)
	}
	// Lookups are the pipelines that ask tables.
	Lookups func(context.Context) []Lookup
	// Gate is what reading a file passes: it is work, and whoever reads may ask for it.
	Gate *limits.Gate
}

// Lookup is a pipeline, and a table that it asks.
type Lookup struct {
	ID, Name, Table string
	Enabled         bool
}

// What tables are filled from. Cloud storage is not read.
const localFile = "LOCAL_FILE"

// CreateReferenceTable makes a table, and fills it from its upload. A file that
// can't be read leaves the table empty, which says why.
func (s *TableService) CreateReferenceTable(ctx context.Context, in *pb.CreateReferenceTableRequest) (*pb.ReferenceTableResponse, error) {
	a := in.GetData().GetAttributes()
	if a == nil {
		return nil, api.BadRequest(api.AttributesPath, "missing")
	}
	uploadID := a.GetFileMetadata().GetUploadId()
	switch {
	case a.GetSource() != localFile:
		return nil, api.BadRequest(api.AttributesPath+".source", "nightjar reads uploads only: want %s, got %q", localFile, a.GetSource())
	case uploadID == "":
		message := "upload_id is required for tables with '" + localFile + "' source"
		return nil, &api.Error{
			Message: message, Target: api.AttributesPath + ".file_metadata.upload_id",
			Entry: `{"title":"Generic Error","detail":` + schema.QuoteJSON(message) + `}`,
		}
	}
	if err := s.Uploads.complete(uploadID); err != nil {
		return nil, err
	}
	def := reference.Table{Name: a.GetTableName(), Source: a.GetSource(), Description: a.GetDescription(), Tags: a.GetTags()}
	if err := declare(&def, a.GetSchema()); err != nil {
		return nil, err
	}
	table, err := s.Store.Create(ctx, def)
	if err != nil {
		return nil, codec.Within(api.AttributesPath, err)
	}
	warning := s.fill(ctx, table.ID, uploadID)
	if table, err = s.Store.Get(table.ID); err != nil {
		return nil, tableProblem(err)
	}
	api.AnswerWith(ctx, http.StatusCreated)
	return &pb.ReferenceTableResponse{Data: tableToProto(&table), Warnings: warning}, nil
}

// declare gives a table the fields of a request.
func declare(def *reference.Table, in *pb.ReferenceTableSchema) error {
	if len(in.GetPrimaryKeys()) != 1 {
		return api.BadRequest(api.AttributesPath+".schema.primary_keys", "a table has one primary key, got %d", len(in.GetPrimaryKeys()))
	}
	def.Key, def.Fields = in.GetPrimaryKeys()[0], nil
	for _, f := range in.GetFields() {
		def.Fields = append(def.Fields, reference.Field{Name: f.GetName(), Type: f.GetType(), Match: reference.Kind(f.GetMatch())})
	}
	return nil
}

// fill makes the rows of a table those of an upload, and says what was wrong
// with it. The table says so too.
func (s *TableService) fill(ctx context.Context, table, upload string) (warning []string) {
	err := s.Uploads.read(upload, func(file *reference.CSV) error {
		_, err := s.Store.Import(ctx, table, file, upload)
		return err
	})
	if err != nil {
		return []string{"file_metadata.upload_id: " + err.Error()}
	}
	return nil
}

// Sizes of a page of tables.
const (
	defaultTablePage = 15
	maxTablePage     = 100
)

// ListReferenceTables reads a page.
func (s *TableService) ListReferenceTables(_ context.Context, in *pb.ListReferenceTablesRequest) (*pb.ReferenceTablesResponse, error) {
	limit, offset := int64(defaultTablePage), in.GetPage().GetOffset()
	if p := in.GetPage(); p != nil && p.Limit != nil {
		limit = p.GetLimit()
	}
	if limit < 1 || limit > maxTablePage || offset < 0 {
		return nil, api.BadRequest("page", "want a limit of 1 to %d and an offset from 0, got %d and %d", maxTablePage, limit, offset)
	}
	f := in.GetFilter()
	all := slices.DeleteFunc(s.Store.List(), func(t reference.Table) bool {
		return f.GetStatus() != "" && t.Status != f.GetStatus() ||
			f.GetTableName().GetExact() != "" && t.Name != f.GetTableName().GetExact() ||
			!strings.Contains(t.Name, f.GetTableName().GetContains())
	})
	if err := sortTables(all, cmp.Or(in.GetSort(), "-updated_at")); err != nil {
		return nil, err
	}
	out := &pb.ReferenceTablesResponse{}
	n := int64(len(all))
	for _, t := range all[min(offset, n):min(offset+limit, n)] {
		out.Data = append(out.Data, tableToProto(&t))
	}
	return out, nil
}

func sortTables(all []reference.Table, key string) error {
	key, descending := strings.CutPrefix(key, "-")
	by := map[string]func(a, b *reference.Table) int{
		"updated_at": func(a, b *reference.Table) int { return cmp.Compare(a.UpdatedAt, b.UpdatedAt) },
		"table_name": func(a, b *reference.Table) int { return cmp.Compare(a.Name, b.Name) },
		"status":     func(a, b *reference.Table) int { return cmp.Compare(a.Status, b.Status) },
	}[key]
	if by == nil {
		return api.BadRequest("sort", "want updated_at, table_name or status, got %q", key)
	}
	slices.SortStableFunc(all, func(a, b reference.Table) int {
		if descending {
			return by(&b, &a)
		}
		return by(&a, &b)
	})
	return nil
}

// GetReferenceTable reads a table.
func (s *TableService) GetReferenceTable(_ context.Context, in *pb.GetReferenceTableRequest) (*pb.ReferenceTableResponse, error) {
	t, err := s.Store.Get(in.GetId())
	if err != nil {
		return nil, tableProblem(err)
	}
	return &pb.ReferenceTableResponse{Data: tableToProto(&t)}, nil
}

// UpdateReferenceTable changes a table.
func (s *TableService) UpdateReferenceTable(ctx context.Context, in *pb.UpdateReferenceTableRequest) (*emptypb.Empty, error) {
	a := in.GetData().GetAttributes()
	if a == nil {
		return nil, api.BadRequest(api.AttributesPath, "missing")
	}
	upload := a.GetFileMetadata().GetUploadId()
	if upload != "" {
		if err := s.Uploads.complete(upload); err != nil {
			return nil, err
		}
	}
	given := codec.GivenIn(ctx, api.AttributesPath, a, in.GetUpdateMask().GetPaths())
	_, err := s.Store.Update(ctx, in.GetId(), func(t *reference.Table) error {
		if given("description") {
			t.Description = a.GetDescription()
		}
		if given("tags") {
			t.Tags = a.GetTags()
		}
		if given("schema") {
			return declare(t, a.GetSchema())
		}
		return nil
	})
	if err != nil {
		return nil, tableProblem(codec.Within(api.AttributesPath, err))
	}
	if upload != "" {
		s.fill(ctx, in.GetId(), upload)
	}
	api.AnswerWith(ctx, http.StatusOK)
	return &emptypb.Empty{}, nil
}

// DeleteReferenceTable deletes a table.
func (s *TableService) DeleteReferenceTable(ctx context.Context, in *pb.DeleteReferenceTableRequest) (*emptypb.Empty, error) {
	api.AnswerWith(ctx, http.StatusOK)
	return &emptypb.Empty{}, tableProblem(s.Store.Delete(ctx, in.GetId()))
}

// GetRows reads rows; it is an error when there are none of them.
func (s *TableService) GetRows(ctx context.Context, in *pb.GetRowsRequest) (*pb.RowsResponse, error) {
	if len(in.GetRowId()) == 0 {
		return nil, api.BadRequest("row_id", "name at least one row")
	}
	rows, err := s.rows(ctx, in.GetId(), in.GetRowId())
	if err != nil {
		return nil, err
	}
	meta := &pb.RowsMeta{RequestedCount: int64(len(in.GetRowId())), FoundCount: int64(len(rows))}
	for _, id := range in.GetRowId() {
		if !slices.ContainsFunc(rows, func(r *pb.Row) bool { return r.Id == id }) {
			meta.NotFound = append(meta.NotFound, id)
		}
	}
	if len(rows) == 0 {
		return nil, &api.Error{Code: api.CodeNotFound, Message: "rows not found: " + api.Shorten(strings.Join(meta.NotFound, ", "))}
	}
	return &pb.RowsResponse{Data: rows, Meta: meta}, nil
}

func (s *TableService) rows(ctx context.Context, table string, ids []string) ([]*pb.Row, error) {
	t, err := s.Store.Get(table)
	if err != nil {
		return nil, tableProblem(err)
	}
	rows, err := s.Store.Rows(ctx, table, ids)
	if err != nil {
		return nil, tableProblem(err)
	}
	return rowsToProto(&t, rows)
}

// Sizes of a page of rows.
const (
	defaultRowPage = 100
	maxRowPage     = 1000
)

// ListRows reads a page.
func (s *TableService) ListRows(ctx context.Context, in *pb.ListRowsRequest) (*pb.RowsPage, error) {
	limit := int64(defaultRowPage)
	if p := in.GetPage(); p != nil && p.Limit != nil {
		limit = p.GetLimit()
	}
	if limit < 1 || limit > maxRowPage {
		return nil, api.BadRequest("page[limit]", "want 1 to %d, got %d", maxRowPage, limit)
	}
	t, err := s.Store.Get(in.GetId())
	if err != nil {
		return nil, tableProblem(err)
	}
	token := in.GetPage().GetContinuationToken()
	var rows []reference.Row
	var next string
	if containing := in.GetContains(); containing != "" {
		rows, next, err = s.Store.FindRows(ctx, in.GetId(), containing, int(limit), token)
	} else {
		rows, next, err = s.Store.ListRows(ctx, in.GetId(), int(limit), token)
	}
	if err != nil {
		return nil, tableProblem(err)
	}
	link := func(token string) string {
		values := url.Values{"page[limit]": {strconv.FormatInt(limit, 10)}}
		if token != "" {
			values.Set("page[continuation_token]", token)
		}
		if in.GetContains() != "" {
			values.Set("contains", in.GetContains())
		}
		return "/api/v2/reference-tables/tables/" + in.GetId() + "/rows/list?" + values.Encode()
	}
	out := &pb.RowsPage{Links: &pb.RowsLinks{Self: link(token), First: link("")}}
	if next != "" {
		out.Links.Next = new(link(next))
		out.Meta = &pb.RowsPageMeta{Page: &pb.RowsPageToken{NextContinuationToken: next}}
	}
	out.Data, err = rowsToProto(&t, rows)
	return out, err
}

// UpsertRows adds or changes rows.
func (s *TableService) UpsertRows(ctx context.Context, in *pb.UpsertRowsRequest) (*emptypb.Empty, error) {
	rows := make([]reference.Row, len(in.GetData()))
	for i, r := range in.GetData() {
		values, err := rowValues(r.GetAttributes().GetValuesText())
		if err != nil {
			return nil, api.BadRequest(fmt.Sprintf("data[%d].attributes.values", i), "%s", err)
		}
		rows[i] = reference.Row{ID: r.GetId(), Values: values}
	}
	api.AnswerWith(ctx, http.StatusOK)
	return &emptypb.Empty{}, tableProblem(s.Store.Upsert(ctx, in.GetId(), rows))
}

// DeleteRows removes rows.
func (s *TableService) DeleteRows(ctx context.Context, in *pb.DeleteRowsRequest) (*emptypb.Empty, error) {
	ids := make([]string, len(in.GetData()))
	for i, r := range in.GetData() {
		ids[i] = r.GetId()
	}
	api.AnswerWith(ctx, http.StatusOK)
	return &emptypb.Empty{}, tableProblem(s.Store.DeleteRows(ctx, in.GetId(), ids))
}

// QueryRows reads rows by id.
func (s *TableService) QueryRows(ctx context.Context, in *pb.QueryRowsRequest) (*pb.QueryRowsResponse, error) {
	a := in.GetData().GetAttributes()
	rows, err := s.rows(ctx, a.GetTableId(), a.GetRowIds())
	if err != nil {
		return nil, err
	}
	found := &pb.RowIdentifiers{}
	for _, r := range rows {
		found.Data = append(found.Data, &pb.RowIdentifier{Id: r.Id, Type: r.Type})
	}
	return &pb.QueryRowsResponse{Included: rows, Data: &pb.RowsQueryResult{
		Id: a.GetTableId(), Type: "reference-tables-batch-rows-query", Relationships: &pb.RowsQueryRelationships{Rows: found},
	}}, nil
}

// CreateUpload makes room for a file.
func (s *TableService) CreateUpload(ctx context.Context, in *pb.CreateUploadRequest) (*pb.UploadResponse, error) {
	a := in.GetData().GetAttributes()
	id, urls, err := s.Uploads.create(a.GetHeaders(), int(a.GetPartCount()), a.GetPartSize())
	if err != nil {
		return nil, err
	}
	for i := range urls {
		urls[i] = api.ExchangeOf(ctx).URL(urls[i])
	}
	api.AnswerWith(ctx, http.StatusCreated)
	return &pb.UploadResponse{Data: &pb.Upload{Id: id, Type: "upload", Attributes: &pb.UploadAttributes{PartUrls: urls}}}, nil
}

// rowValues are a row's values as texts; numbers are as they are written.
func rowValues(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var values map[string]any
	if err := d.Decode(&values); err != nil {
		return nil, fmt.Errorf("want an object of texts and numbers: %w", err)
	}
	out := make(map[string]string, len(values))
	for name, v := range values {
		switch v := v.(type) {
		case string:
			out[name] = v
		case json.Number:
			out[name] = v.String()
		case nil:
		default:
			return nil, fmt.Errorf("%s: want a text or a number", name)
		}
	}
	return out, nil
}

func rowsToProto(t *reference.Table, rows []reference.Row) ([]*pb.Row, error) {
	numbers := map[string]bool{}
	for _, f := range t.Fields {
		numbers[f.Name] = f.Type == reference.Int32
	}
	out := make([]*pb.Row, len(rows))
	for i, r := range rows {
		values := make(map[string]any, len(r.Values))
		for name, v := range r.Values {
			if numbers[name] {
				values[name] = json.Number(v)
			} else {
				values[name] = v
			}
		}
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		if err := e.Encode(values); err != nil {
			return nil, fmt.Errorf("show row %s of reference table %s: %w", r.ID, t.Name, err)
		}
		out[i] = &pb.Row{Id: r.ID, Type: "row", Attributes: &pb.RowAttributes{ValuesText: text.String()}}
	}
	return out, nil
}

func tableToProto(t *reference.Table) *pb.ReferenceTable {
	a := &pb.ReferenceTableAttributes{
		TableName: t.Name, Source: t.Source, Description: &t.Description, Tags: t.Tags,
		Schema:       &pb.ReferenceTableSchema{PrimaryKeys: []string{t.Key}},
		FileMetadata: &pb.ReferenceTableFile{},
		Status:       t.Status, RowCount: t.Rows, UpdatedAt: t.UpdatedAt.String(),
		CreatedBy: api.Author.UUID, LastUpdatedBy: api.Author.UUID,
	}
	for _, f := range t.Fields {
		field := &pb.ReferenceTableField{Name: f.Name, Type: f.Type}
		if f.Match != reference.Auto {
			field.Match = new(string(f.Match))
		}
		a.Schema.Fields = append(a.Schema.Fields, field)
	}
	if t.Problem != "" {
		a.FileMetadata.ErrorMessage = &t.Problem
	}
	return &pb.ReferenceTable{Id: t.ID, Type: "reference_table", Attributes: a}
}

// tableProblem says of a table that is not there what the reference says.
func tableProblem(err error) error {
	var missing *schema.NotFoundError
	if errors.As(err, &missing) && !api.IsUUID(missing.ID) { // a table's id is of that form, too
		return &api.Error{Code: api.CodeInvalidArgument, Message: "invalid table id", Target: "id", Entry: `{"status":"400","title":"Generic Error","detail":"invalid table id"}`}
	}
	return api.NotFoundAs(err, "table not found")
}

// Store keeps the reference tables. scheduler/reference implements it.
type Store interface {
	// List is all tables, by name.
	List() []reference.Table
	Get(id string) (reference.Table, error)
	Create(context.Context, reference.Table) (reference.Table, error)
	Update(ctx context.Context, id string, edit func(*reference.Table) error) (reference.Table, error)
	Delete(ctx context.Context, id string) error
	// Rows reads rows by id, in the order of ids; those that there are not are
	// left out.
	Rows(ctx context.Context, id string, ids []string) ([]reference.Row, error)
	// ListRows reads a page in the order of ids; next is empty at the end.
	ListRows(ctx context.Context, id string, limit int, token string) (rows []reference.Row, next string, err error)
	// FindRows is such a page of those rows of which a value has a text in it, in any letter
	// case.
	FindRows(ctx context.Context, id, containing string, limit int, token string) (rows []reference.Row, next string, err error)
	Upsert(ctx context.Context, id string, rows []reference.Row) error
	DeleteRows(ctx context.Context, id string, ids []string) error
	// Import makes a table equal to a file.
	Import(ctx context.Context, id string, file *reference.CSV, uploadID string) (reference.Report, error)
}

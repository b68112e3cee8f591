package api

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

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "nightjar/api/v1"
	"nightjar/scheduler/reference"
	"nightjar/schema"
)

// referenceTables serves ReferenceTableService.
type referenceTables struct {
	pb.UnimplementedReferenceTableServiceServer
	store   Tables
	uploads *uploads
}

// What tables are filled from. Cloud storage is not read.
const localFile = "LOCAL_FILE"

// CreateReferenceTable makes a table, and fills it from its upload. A file that
// can't be read leaves the table empty, which says why.
func (s *referenceTables) CreateReferenceTable(ctx context.Context, in *pb.CreateReferenceTableRequest) (*pb.ReferenceTableResponse, error) {
	a := in.GetData().GetAttributes()
	if a == nil {
		return nil, badRequest(attributesPath, "missing")
	}
	uploadID := a.GetFileMetadata().GetUploadId()
	switch {
	case a.GetSource() != localFile:
		return nil, badRequest(attributesPath+".source", "nightjar reads uploads only: want %s, got %q", localFile, a.GetSource())
	case uploadID == "":
		message := "upload_id is required for tables with '" + localFile + "' source"
		return nil, &problem{
			message: message, target: attributesPath + ".file_metadata.upload_id",
			entry: `{"title":"Generic Error","detail":` + schema.QuoteJSON(message) + `}`,
		}
	}
	if err := s.uploads.complete(uploadID); err != nil {
		return nil, err
	}
	def := reference.Table{Name: a.GetTableName(), Source: a.GetSource(), Description: a.GetDescription(), Tags: a.GetTags()}
	if err := declare(&def, a.GetSchema()); err != nil {
		return nil, err
	}
	table, err := s.store.Create(ctx, def)
	if err != nil {
		return nil, within(attributesPath, err)
	}
	warning := s.fill(ctx, table.ID, uploadID)
	if table, err = s.store.Get(table.ID); err != nil {
		return nil, tableProblem(err)
	}
	answerWith(ctx, http.StatusCreated)
	return &pb.ReferenceTableResponse{Data: tableToProto(&table), Warnings: warning}, nil
}

// declare gives a table the fields of a request.
func declare(def *reference.Table, in *pb.ReferenceTableSchema) error {
	if len(in.GetPrimaryKeys()) != 1 {
		return badRequest(attributesPath+".schema.primary_keys", "a table has one primary key, got %d", len(in.GetPrimaryKeys()))
	}
	def.Key, def.Fields = in.GetPrimaryKeys()[0], nil
	for _, f := range in.GetFields() {
		def.Fields = append(def.Fields, reference.Field{Name: f.GetName(), Type: f.GetType(), Match: reference.Kind(f.GetMatch())})
	}
	return nil
}

// fill makes the rows of a table those of an upload, and says what was wrong
// with it. The table says so too.
func (s *referenceTables) fill(ctx context.Context, table, upload string) (warning []string) {
	err := s.uploads.read(upload, func(file *reference.CSV) error {
		_, err := s.store.Import(ctx, table, file, upload)
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
func (s *referenceTables) ListReferenceTables(_ context.Context, in *pb.ListReferenceTablesRequest) (*pb.ReferenceTablesResponse, error) {
	limit, offset := int64(defaultTablePage), in.GetPage().GetOffset()
	if p := in.GetPage(); p != nil && p.Limit != nil {
		limit = p.GetLimit()
	}
	if limit < 1 || limit > maxTablePage || offset < 0 {
		return nil, badRequest("page", "want a limit of 1 to %d and an offset from 0, got %d and %d", maxTablePage, limit, offset)
	}
	f := in.GetFilter()
	all := slices.DeleteFunc(s.store.List(), func(t reference.Table) bool {
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
		return badRequest("sort", "want updated_at, table_name or status, got %q", key)
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
func (s *referenceTables) GetReferenceTable(_ context.Context, in *pb.GetReferenceTableRequest) (*pb.ReferenceTableResponse, error) {
	t, err := s.store.Get(in.GetId())
	if err != nil {
		return nil, tableProblem(err)
	}
	return &pb.ReferenceTableResponse{Data: tableToProto(&t)}, nil
}

// UpdateReferenceTable changes a table.
func (s *referenceTables) UpdateReferenceTable(ctx context.Context, in *pb.UpdateReferenceTableRequest) (*emptypb.Empty, error) {
	a := in.GetData().GetAttributes()
	if a == nil {
		return nil, badRequest(attributesPath, "missing")
	}
	upload := a.GetFileMetadata().GetUploadId()
	if upload != "" {
		if err := s.uploads.complete(upload); err != nil {
			return nil, err
		}
	}
	given := givenIn(ctx, attributesPath, a, in.GetUpdateMask().GetPaths())
	_, err := s.store.Update(ctx, in.GetId(), func(t *reference.Table) error {
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
		return nil, tableProblem(within(attributesPath, err))
	}
	if upload != "" {
		s.fill(ctx, in.GetId(), upload)
	}
	answerWith(ctx, http.StatusOK)
	return &emptypb.Empty{}, nil
}

// DeleteReferenceTable deletes a table.
func (s *referenceTables) DeleteReferenceTable(ctx context.Context, in *pb.DeleteReferenceTableRequest) (*emptypb.Empty, error) {
	answerWith(ctx, http.StatusOK)
	return &emptypb.Empty{}, tableProblem(s.store.Delete(ctx, in.GetId()))
}

// GetRows reads rows; it is an error when there are none of them.
func (s *referenceTables) GetRows(ctx context.Context, in *pb.GetRowsRequest) (*pb.RowsResponse, error) {
	if len(in.GetRowId()) == 0 {
		return nil, badRequest("row_id", "name at least one row")
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
		return nil, &problem{code: codes.NotFound, message: "rows not found: " + shorten(strings.Join(meta.NotFound, ", "))}
	}
	return &pb.RowsResponse{Data: rows, Meta: meta}, nil
}

func (s *referenceTables) rows(ctx context.Context, table string, ids []string) ([]*pb.Row, error) {
	t, err := s.store.Get(table)
	if err != nil {
		return nil, tableProblem(err)
	}
	rows, err := s.store.Rows(ctx, table, ids)
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
func (s *referenceTables) ListRows(ctx context.Context, in *pb.ListRowsRequest) (*pb.RowsPage, error) {
	limit := int64(defaultRowPage)
	if p := in.GetPage(); p != nil && p.Limit != nil {
		limit = p.GetLimit()
	}
	if limit < 1 || limit > maxRowPage {
		return nil, badRequest("page[limit]", "want 1 to %d, got %d", maxRowPage, limit)
	}
	t, err := s.store.Get(in.GetId())
	if err != nil {
		return nil, tableProblem(err)
	}
	token := in.GetPage().GetContinuationToken()
	rows, next, err := s.store.ListRows(ctx, in.GetId(), int(limit), token)
	if err != nil {
		return nil, tableProblem(err)
	}
	link := func(token string) string {
		values := url.Values{"page[limit]": {strconv.FormatInt(limit, 10)}}
		if token != "" {
			values.Set("page[continuation_token]", token)
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
func (s *referenceTables) UpsertRows(ctx context.Context, in *pb.UpsertRowsRequest) (*emptypb.Empty, error) {
	rows := make([]reference.Row, len(in.GetData()))
	for i, r := range in.GetData() {
		values, err := rowValues(r.GetAttributes().GetValuesText())
		if err != nil {
			return nil, badRequest(fmt.Sprintf("data[%d].attributes.values", i), "%s", err)
		}
		rows[i] = reference.Row{ID: r.GetId(), Values: values}
	}
	answerWith(ctx, http.StatusOK)
	return &emptypb.Empty{}, tableProblem(s.store.Upsert(ctx, in.GetId(), rows))
}

// DeleteRows removes rows.
func (s *referenceTables) DeleteRows(ctx context.Context, in *pb.DeleteRowsRequest) (*emptypb.Empty, error) {
	ids := make([]string, len(in.GetData()))
	for i, r := range in.GetData() {
		ids[i] = r.GetId()
	}
	answerWith(ctx, http.StatusOK)
	return &emptypb.Empty{}, tableProblem(s.store.DeleteRows(ctx, in.GetId(), ids))
}

// QueryRows reads rows by id.
func (s *referenceTables) QueryRows(ctx context.Context, in *pb.QueryRowsRequest) (*pb.QueryRowsResponse, error) {
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
func (s *referenceTables) CreateUpload(ctx context.Context, in *pb.CreateUploadRequest) (*pb.UploadResponse, error) {
	a := in.GetData().GetAttributes()
	id, urls, err := s.uploads.create(a.GetHeaders(), int(a.GetPartCount()), a.GetPartSize())
	if err != nil {
		return nil, err
	}
	for i := range urls {
		urls[i] = exchangeOf(ctx).url(urls[i])
	}
	answerWith(ctx, http.StatusCreated)
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
		CreatedBy: author.uuid, LastUpdatedBy: author.uuid,
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
	var missing *schema.NotFound
	if errors.As(err, &missing) && !isUUID(missing.ID) { // a table's id is of that form, too
		return &problem{code: codes.InvalidArgument, message: "invalid table id", target: "id", entry: `{"status":"400","title":"Generic Error","detail":"invalid table id"}`}
	}
	return notThere(err, "table not found")
}

// Tables keeps the reference tables. scheduler/reference implements it.
type Tables interface {
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
	Upsert(ctx context.Context, id string, rows []reference.Row) error
	DeleteRows(ctx context.Context, id string, ids []string) error
	// Import makes a table equal to a file.
	Import(ctx context.Context, id string, file *reference.CSV, uploadID string) (reference.Report, error)
}

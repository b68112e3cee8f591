package registry

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"nightjar/ingest/pipeline"
	"nightjar/objects"
	"nightjar/schema"
)

// Entry is a pipeline as it stands.
type Entry struct {
	ID string
	// Version is the store's; of what a built-in pipeline's document says, Pipeline.Version.
	Version              int64
	CreatedAt, UpdatedAt schema.Millis
	BuiltIn, Deleted     bool
	// Pipeline is nil where the stored document is out of force, for the reason in Broken.
	Pipeline *pipeline.Pipeline
	Broken   string
}

// Enabled reports whether it is in force.
func (e *Entry) Enabled() bool { return e.Pipeline != nil && e.Pipeline.Enabled }

// newID is 22 letters, digits, minuses and underscores, as the reference's ids are. It
// begins with no minus, which a command line would take for a flag.
func newID() string {
	var b [16]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if id := base64.RawURLEncoding.EncodeToString(b[:]); id[0] != '-' {
			return id
		}
	}
}

// List are all pipelines in the order in which they run.
func (r *Registry) List(ctx context.Context) []Entry {
	r.changing.Lock()
	defer r.changing.Unlock()
	var out []Entry
	for _, v := range r.ordered(ctx) {
		out = append(out, r.entry(v))
	}
	return out
}

func (r *Registry) entry(v objects.Versioned[Body]) Entry {
	return Entry{
		ID: v.ID, Version: v.Version, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, BuiltIn: r.builtIn[v.ID] != nil, Deleted: v.Deleted,
		Pipeline: r.compile(v), Broken: r.broken[v.ID],
	}
}

// Get is one pipeline, or a *schema.NotFoundError.
func (r *Registry) Get(ctx context.Context, id string) (Entry, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	v, err := r.get(ctx, id)
	if err != nil {
		return Entry{}, err
	}
	return r.entry(v), nil
}

func (r *Registry) get(ctx context.Context, id string) (objects.Versioned[Body], error) {
	v, err := r.store.Get(ctx, id)
	if err == nil && r.builtIn[id] == nil && len(v.Body.Document) == 0 {
		err = &schema.NotFoundError{Kind: "pipeline", ID: id}
	}
	return v, err
}

// Create stores a pipeline, and puts it into force behind all others. The error of a
// document that does not compile is a *pipeline.DocumentError.
func (r *Registry) Create(ctx context.Context, document []byte) (Entry, error) {
	body, err := r.body(document)
	if err != nil {
		return Entry{}, err
	}
	r.changing.Lock()
	defer r.changing.Unlock()
	v, err := r.store.Create(ctx, body)
	if err != nil {
		return Entry{}, err
	}
	r.rebuild(ctx)
	return r.entry(v), nil
}

// body checks a document, and is what is stored of it: with every default written out.
func (r *Registry) body(document []byte) (Body, error) {
	p, err := parse(document, "", 1)
	if err != nil {
		return Body{}, err
	}
	text, err := json.Marshal(p)
	return Body{Document: text}, err
}

// Update replaces the document of a pipeline. Of a built-in one only
// is_enabled may differ. ifVersion, unless 0, must be its present version. Of a caller
// who was shown it ForReference, what was hidden has to stay.
func (r *Registry) Update(ctx context.Context, id string, ifVersion int64, document []byte, as Caller) (Entry, error) {
	body, err := r.body(document)
	if err != nil {
		return Entry{}, err
	}
	if b := r.builtIn[id]; b != nil {
		enabled, err := onlySwitched(b, body.Document)
		if err != nil {
			return Entry{}, err
		}
		body = Body{Enabled: &enabled}
	}
	return r.change(ctx, id, ifVersion, func(before *Body) (Body, error) {
		if as != ReferenceClient || len(before.Document) == 0 {
			return body, nil
		}
		was, err := parse(before.Document, id, 1)
		if err != nil {
			return body, nil //nolint:nilerr // it is out of force, and nobody was shown it
		}
		is, err := parse(body.Document, id, 1)
		if err != nil {
			return body, err
		}
		if was.KeepSaid && !is.KeepSaid { // its clients drop a key that they don't know
			is.ID, is.KeepSaid = "", true
			if body.Document, err = json.Marshal(is); err != nil {
				return body, err
			}
		}
		return body, keepsExtensions(was, is)
	})
}

// Caller is who changes a pipeline.
type Caller int

// Those who know all that a pipeline may have, and those who know what the reference has.
const (
	OwnClient Caller = iota
	ReferenceClient
)

// onlySwitched is whether a built-in pipeline is to be enabled, as a document says it
// that says nothing else of it.
func onlySwitched(b *pipeline.Pipeline, document []byte) (enabled bool, err error) {
	given, err := parse(document, b.ID, int64(b.Version))
	if err != nil {
		return false, err
	}
	enabled = given.Enabled
	given.Enabled, given.ReadOnly = b.Enabled, b.ReadOnly
	given.KeepSaid = b.KeepSaid // which the reference's clients don't know
	want, err := json.Marshal(b)
	if err != nil {
		return false, err
	}
	got, err := json.Marshal(given)
	if err != nil {
		return false, err
	}
	same := string(got) == string(want)
	if !same { // or as the reference's clients were shown it
		same, err = sameForReference(given, b)
	}
	if err != nil {
		return false, err
	}
	if !same {
		return false, &schema.InvalidError{Details: []schema.Detail{{Target: "id", Message: fmt.Sprintf("pipeline %s is built in and read-only, but for is_enabled; clone it (nightjar pipelines clone %s), change the copy, and disable this one", b.ID, b.ID)}}}
	}
	return enabled, nil
}

func sameForReference(a, b *pipeline.Pipeline) (bool, error) {
	one, _, err := ForReference(a)
	if err != nil {
		return false, err
	}
	other, hidden, err := ForReference(b)
	if err != nil || len(hidden) == 0 {
		return false, err
	}
	var x, y any
	if json.Unmarshal(one, &x) != nil || json.Unmarshal(other, &y) != nil {
		return false, nil
	}
	return reflect.DeepEqual(x, y), nil
}

// Enable switches a pipeline on or off.
func (r *Registry) Enable(ctx context.Context, id string, enabled bool) (Entry, error) {
	return r.change(ctx, id, 0, func(b *Body) (Body, error) {
		if r.builtIn[id] != nil {
			return Body{Enabled: &enabled}, nil
		}
		p, err := parse(b.Document, id, 1)
		if err != nil {
			return Body{}, err
		}
		p.ID, p.Enabled = "", enabled
		text, err := json.Marshal(p)
		return Body{Document: text}, err
	})
}

func (r *Registry) change(ctx context.Context, id string, ifVersion int64, to func(*Body) (Body, error)) (Entry, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	if _, err := r.get(ctx, id); err != nil {
		return Entry{}, err
	}
	v, err := r.store.Update(ctx, id, ifVersion, func(b *Body) (err error) {
		*b, err = to(b)
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	r.rebuild(ctx)
	return r.entry(v), nil
}

// Clone makes a pipeline of the user's own of any, under another name; it runs right
// behind it, and is disabled until a user enables it.
func (r *Registry) Clone(ctx context.Context, id, name string) (Entry, error) {
	from, err := r.Get(ctx, id)
	if err != nil {
		return Entry{}, err
	}
	if from.Pipeline == nil {
		return Entry{}, &schema.InvalidError{Details: []schema.Detail{{Target: "id", Message: from.Broken}}}
	}
	p := *from.Pipeline
	p.ID, p.ReadOnly, p.Enabled = "", false, false
	if p.Name += " (copy)"; name != "" {
		p.Name = name
	}
	text, err := json.Marshal(&p)
	if err != nil {
		return Entry{}, err
	}
	made, err := r.Create(ctx, text)
	if err != nil {
		return Entry{}, err
	}
	ids := slices.DeleteFunc(r.Order(ctx), func(id string) bool { return id == made.ID })
	_, err = r.SetOrder(ctx, slices.Insert(ids, slices.Index(ids, id)+1, made.ID))
	return made, err
}

// Order are the ids of all pipelines in the order in which they run.
func (r *Registry) Order(ctx context.Context) []string {
	r.changing.Lock()
	defer r.changing.Unlock()
	ids := []string{}
	for _, v := range r.ordered(ctx) {
		ids = append(ids, v.ID)
	}
	return ids
}

// SetOrder changes the order. All pipelines have to be named, each once: an
// *OrderError says which are not.
func (r *Registry) SetOrder(ctx context.Context, ids []string) ([]string, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	present := map[string]bool{}
	for _, v := range r.ordered(ctx) {
		present[v.ID] = true
	}
	wrong := &OrderError{}
	for _, id := range ids {
		switch named, known := present[id]; {
		case !known:
			wrong.Unknown = append(wrong.Unknown, id)
		case !named:
			wrong.Twice = append(wrong.Twice, id)
		}
		if present[id] {
			present[id] = false
		}
	}
	for id, left := range present {
		if left {
			wrong.Missing = append(wrong.Missing, id)
		}
	}
	if len(wrong.Unknown)+len(wrong.Twice)+len(wrong.Missing) > 0 {
		slices.Sort(wrong.Missing)
		return nil, wrong
	}
	_, err := r.order.Update(ctx, orderID, 0, func(o *Order) error {
		o.IDs = slices.Clone(ids)
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.rebuild(ctx)
	return ids, nil
}

// OrderError is an order that is not one of all pipelines.
type OrderError struct{ Unknown, Twice, Missing []string }

func (e *OrderError) Error() string {
	text := "the order has to name every pipeline once"
	for _, p := range []struct {
		what string
		ids  []string
	}{{"there is no pipeline", e.Unknown}, {"named twice", e.Twice}, {"missing", e.Missing}} {
		if len(p.ids) > 0 {
			text += fmt.Sprintf("; %s: %s", p.what, joined(p.ids))
		}
	}
	return text
}

// joined names the first of many.
func joined(ids []string) string {
	const most = 10
	text := ""
	for i, id := range ids {
		if i == most {
			return fmt.Sprintf("%s and %d more", text, len(ids)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += id
	}
	return text
}

package intel

import (
	"encoding/json"
	"fmt"
	"strings"
)

// mispAttribute is what MISP says of one thing.
type mispAttribute struct {
	Type     string          `json:"type"`
	Category string          `json:"category"`
	Value    string          `json:"value"`
	ToIDs    json.RawMessage `json:"to_ids"`
	Comment  string          `json:"comment"`
	Deleted  bool            `json:"deleted"`
}

type mispEvent struct {
	Info      string          `json:"info"`
	UUID      string          `json:"uuid"`
	Attribute []mispAttribute `json:"Attribute"`
	Object    []struct {
		Attribute []mispAttribute `json:"Attribute"`
	} `json:"Object"`
}

// mispDocument is any of the forms in which MISP answers: an event, attributes of
// a search, or a warning list.
type mispDocument struct {
	Event     *mispEvent      `json:"Event"`
	Attribute []mispAttribute `json:"Attribute"`
	Response  json.RawMessage `json:"response"`
	List      []string        `json:"list"`
}

// misp reads events, answers of searches, and warning lists.
func (l *list) misp(text []byte) error {
	var documents []mispDocument
	if err := json.Unmarshal(text, &documents); err != nil {
		var one mispDocument
		if err := json.Unmarshal(text, &one); err != nil {
			return fmt.Errorf("this is no JSON of MISP: %w", err)
		}
		documents = []mispDocument{one}
	}
	for _, d := range documents {
		if err := l.mispDocument(d); err != nil {
			return err
		}
	}
	return nil
}

func (l *list) mispDocument(d mispDocument) error {
	if len(d.Response) > 0 {
		if err := l.misp(d.Response); err != nil {
			return err
		}
	}
	for n, v := range d.List {
		if err := l.add(fmt.Sprintf("list[%d]", n), Indicator{Type: l.defaults.Type, Value: v}); err != nil {
			return err
		}
	}
	attributes := d.Attribute
	about := ""
	if d.Event != nil {
		about = d.Event.Info
		attributes = append(attributes, d.Event.Attribute...)
		for _, o := range d.Event.Object {
			attributes = append(attributes, o.Attribute...)
		}
	}
	for n, a := range attributes {
		if err := l.mispAttribute(n, a, about); err != nil {
			return err
		}
	}
	return nil
}

// mispTypes are those of MISP's types that are ours; of a pair the part before or after
// the bar.
var mispTypes = map[string]struct {
	part int
	t    Type
}{
	"ip-src": {0, IP}, "ip-dst": {0, IP}, "ip-src|port": {0, IP}, "ip-dst|port": {0, IP},
	"domain": {0, Domain}, "hostname": {0, Domain}, "domain|ip": {0, Domain}, "hostname|port": {0, Domain},
	"url": {0, URL}, "uri": {0, URL},
	"md5": {0, Hash}, "sha1": {0, Hash}, "sha256": {0, Hash},
	"filename|md5": {1, Hash}, "filename|sha1": {1, Hash}, "filename|sha256": {1, Hash},
}

func (l *list) mispAttribute(n int, a mispAttribute, about string) error {
	kind, known := mispTypes[a.Type]
	switch no := strings.Trim(string(a.ToIDs), `"`); {
	case !known:
		l.report.Skip("type " + short(a.Type))
		return nil
	case a.Deleted:
		l.report.Skip("deleted")
		return nil
	case no == "false" || no == "0":
		l.report.Skip("not for detection (to_ids)")
		return nil
	}
	value := a.Value
	if parts := strings.SplitN(value, "|", 2); len(parts) == 2 {
		value = parts[kind.part]
	}
	if a.Comment != "" {
		about = strings.TrimPrefix(about+"; "+a.Comment, "; ")
	}
	return l.add(fmt.Sprintf("Attribute[%d]", n), Indicator{Type: kind.t, Value: value, About: about})
}

// ManifestEvents are the ids of the events of a MISP feed's manifest; not ok: the text
// is no manifest.
func ManifestEvents(text []byte) (ids []string, ok bool) {
	var events map[string]struct {
		Info      *string `json:"info"`
		Timestamp any     `json:"timestamp"`
	}
	if json.Unmarshal(text, &events) != nil || len(events) == 0 {
		return nil, false
	}
	for id, e := range events {
		if len(id) != 36 || e.Info == nil || strings.ContainsAny(id, "/.?#%") {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}

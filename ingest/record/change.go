package record

import "github.com/valyala/fastjson"

// Change replaces everything that the path may lead to by what f makes of it: by
// each of the ways that dots leave open, and in every element of lists on the way.
func (r *Record) Change(p Path, f func(*fastjson.Value) *fastjson.Value) {
	r.changes++
	for i := range r.root {
		for n := len(p.steps); n > 0; n-- {
			if r.root[i].Key == p.key(0, n) {
				r.root[i].Value = changed(r.root[i].Value, p, n, f)
			}
		}
	}
}

// changed is a value of which the first i steps are done, when f has been at the rest.
func changed(v *fastjson.Value, p Path, i int, f func(*fastjson.Value) *fastjson.Value) *fastjson.Value {
	if i == len(p.steps) {
		return f(v)
	}
	switch v.Type() {
	case fastjson.TypeObject:
		ChangeMembers(v.GetObject(), func(key string, member *fastjson.Value) *fastjson.Value {
			for n := len(p.steps); n > i; n-- {
				if key == p.key(i, n) {
					member = changed(member, p, n, f)
				}
			}
			return member
		})
	case fastjson.TypeArray:
		at, one := index(p.steps[i], len(v.GetArray()))
		for n, e := range v.GetArray() {
			out := e
			switch {
			case one && n == at:
				out = changed(e, p, i+1, f)
			case !one && e.Type() == fastjson.TypeObject:
				out = changed(e, p, i, f)
			}
			if out != e {
				v.SetArrayItem(n, out)
			}
		}
	}
	return v
}

// ChangeMembers replaces an object's members by what f makes of them. Of a key that
// comes twice and changes, the last is left.
func ChangeMembers(o *fastjson.Object, f func(key string, v *fastjson.Value) *fastjson.Value) {
	var changes map[string]*fastjson.Value
	var keys []string
	o.Visit(func(k []byte, v *fastjson.Value) {
		out := f(string(k), v)
		if _, before := changes[string(k)]; !before && out == v {
			return
		}
		if changes == nil {
			changes = map[string]*fastjson.Value{}
		}
		keys, changes[string(k)] = append(keys, string(k)), out
	})
	for _, key := range keys {
		set(o, key, changes[key])
	}
}

package rest

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/klauspost/compress/gzhttp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
)

// MaxBody is the largest JSON body.
const MaxBody = 10 << 20

// patientPaths are those of calls that take what they take, or until their caller hangs up.
var patientPaths = map[string]bool{
	"/api/nightjar/v1/backtests": true, "/api/nightjar/v1/deletions": true, "/api/nightjar/v1/deletions:preview": true,
}

// gateway is the REST form of the services.
func (h *Handler) gateway() (http.Handler, error) {
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, codec.JSON{}),
		runtime.WithErrorHandler(h.serviceError),
		runtime.WithRoutingErrorHandler(h.routingError),
		runtime.WithForwardResponseOption(finish),
		runtime.SetQueryParameterParser(codec.QueryParser{}),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithMiddlewares(h.permitted),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
	)
	if err := h.deps.Register(context.Background(), mux); err != nil {
		return nil, fmt.Errorf("register services: %w", err)
	}
	compressed := gzhttp.GzipHandler(mux) // what is large, and no archive
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
			(&api.Error{Code: api.CodeInvalidArgument, Message: "Content-Encoding: want identity here, got " + api.Shorten(e)}).Write(w, r)
			return
		}
		if patientPaths[r.URL.Path] {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		}
		x := &api.Exchange{ID: w.Header().Get(requestIDHeader), Base: baseURL(r), Path: r.URL.Path, From: r.RemoteAddr, Search: r.Header.Get(searchHeader)}
		r = r.WithContext(api.WithExchange(r.Context(), x))
		body, err := h.newBody(w, r, x)
		if err != nil {
			api.Describe(r.Context(), h.deps.Log, err).Write(w, r)
			return
		}
		defer body.hold.Shrink(0)
		r.Body = body
		compressed.ServeHTTP(w, r)
	}), nil
}

// searchHeader has what a caller calls the search that a request is part of.
const searchHeader = "X-Nightjar-Search"

// finish puts what the codec noticed beside the answer, and the status where it
// is not 200.
func finish(ctx context.Context, w http.ResponseWriter, m proto.Message) error {
	x := api.ExchangeOf(ctx)
	if file, ok := m.(*pb.File); ok {
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.GetName()}))
	}
	if isNothing(m) && (x == nil || x.Status == 0) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if x != nil && x.Status != 0 {
		defer w.WriteHeader(x.Status)
	}
	return nil
}

// isNothing reports whether an answer has nothing in it, by its type or as there are no
// orders.
func isNothing(m proto.Message) bool {
	orders, are := m.(*pb.AgentOrders)
	_, empty := m.(*emptypb.Empty)
	return empty || are && orders.GetPayload() == ""
}

func (h *Handler) serviceError(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	if x := api.ExchangeOf(ctx); x != nil && x.Failed != nil {
		err = x.Failed
	}
	api.Describe(ctx, h.deps.Log, err).Write(w, r)
}

func (h *Handler) routingError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, status int) {
	p := &api.Error{Code: api.CodeInvalidArgument, Message: http.StatusText(status)}
	switch status {
	case http.StatusNotFound:
		p = &api.Error{Code: api.CodeNotFound, Message: "Not found: there is nothing at " + api.Shorten(r.URL.Path)}
	case http.StatusMethodNotAllowed:
		p = &api.Error{Code: api.CodeMethodNotAllowed, Message: r.Method + " is not what " + api.Shorten(r.URL.Path) + " answers to"}
	}
	p.Write(w, r)
}

func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

package api

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/klauspost/compress/gzhttp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "nightjar/api/v1"
)

// maxBody is the largest JSON body.
const maxBody = 10 << 20

const backtestsPath = "/api/nightjar/v1/backtests"

// gateway is the REST form of the services.
func (h *restHandler) gateway() (http.Handler, error) {
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, codec{}),
		runtime.WithErrorHandler(h.serviceError),
		runtime.WithRoutingErrorHandler(h.routingError),
		runtime.WithForwardResponseOption(finish),
		runtime.SetQueryParameterParser(queryParser{}),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
	)
	if err := h.deps.Register(context.Background(), mux); err != nil {
		return nil, fmt.Errorf("register services: %w", err)
	}
	compressed := gzhttp.GzipHandler(mux) // what is large, and no archive
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
			(&problem{code: codes.InvalidArgument, message: "Content-Encoding: want identity here, got " + shorten(e)}).write(w, r)
			return
		}
		if r.URL.Path == backtestsPath {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it takes what it takes, or until its caller hangs up
		}
		x := &exchange{id: w.Header().Get(requestIDHeader), base: baseURL(r), path: r.URL.Path}
		r = r.WithContext(withExchange(r.Context(), x))
		body, err := h.newBody(w, r, x)
		if err != nil {
			explain(r.Context(), h.deps.Log, err).write(w, r)
			return
		}
		defer body.hold.shrink(0)
		r.Body = body
		compressed.ServeHTTP(w, r)
	}), nil
}

// finish puts what the codec noticed beside the answer, and the status where it
// is not 200.
func finish(ctx context.Context, w http.ResponseWriter, m proto.Message) error {
	x := exchangeOf(ctx)
	if file, ok := m.(*pb.File); ok {
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.GetName()}))
	}
	if _, empty := m.(*emptypb.Empty); empty && (x == nil || x.status == 0) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if x != nil && x.status != 0 {
		defer w.WriteHeader(x.status)
	}
	return nil
}

func (h *restHandler) serviceError(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	if x := exchangeOf(ctx); x != nil && x.failed != nil {
		err = x.failed
	}
	explain(ctx, h.deps.Log, err).write(w, r)
}

func (h *restHandler) routingError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, status int) {
	p := &problem{code: codes.InvalidArgument, message: http.StatusText(status)}
	switch status {
	case http.StatusNotFound:
		p = &problem{code: codes.NotFound, message: "Not found: there is nothing at " + shorten(r.URL.Path)}
	case http.StatusMethodNotAllowed:
		p = &problem{code: methodCode, message: r.Method + " is not what " + shorten(r.URL.Path) + " answers to"}
	}
	p.write(w, r)
}

func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

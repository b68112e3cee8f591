// Package calls has every call of our services pass the guard, whichever way it came.
//
// Start at Interceptor, which decides and writes down. Conn is how REST reaches the
// services: in this process, through the same interceptors as calls over gRPC, so that
// there is one place where a call is let through.
package calls

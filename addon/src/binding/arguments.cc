#include "binding/arguments.h"

#include <cmath>
#include <sstream>

namespace hailstream {
namespace {

[[noreturn]] void reject(const Napi::Value& value, const char* name, const std::string& expected) {
  const std::string received = value.IsNumber() ? value.ToString().Utf8Value() : "another type";
  throw Napi::TypeError::New(value.Env(),
                             std::string("Expected ") + name + " to be " + expected + ", received " + received);
}

std::string range(double least, double most) {
  std::ostringstream text;
  text << least << " to " << most;
  return text.str();
}

}  // namespace

Napi::Error toJsError(Napi::Env env, ErrorCode code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, spell(code)));
  return error;
}

Napi::Error toJsError(Napi::Env env, const Error& error) {
  Napi::Error result = toJsError(env, error.code(), error.what());
  if (!error.driver()) return result;
  Napi::Object said = Napi::Object::New(env);
  said["status"] = error.driver()->number;
  said["name"] = error.driver()->name;
  said["reaction"] = error.driver()->reaction;
  result.Set("hailo", said);
  return result;
}

double readNumber(const Napi::Value& value, const char* name, double least, double most) {
  if (!value.IsNumber()) reject(value, name, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= least && number <= most)) reject(value, name, range(least, most));
  return number;
}

std::int64_t readInteger(const Napi::Value& value, const char* name, std::int64_t least, std::int64_t most) {
  const double number = readNumber(value, name, static_cast<double>(least), static_cast<double>(most));
  if (number != std::floor(number)) reject(value, name, "an integer");
  return static_cast<std::int64_t>(number);
}

Napi::Object readObject(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) reject(value, name, "an object");
  return value.As<Napi::Object>();
}

bool readBoolean(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) reject(value, name, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::string readText(const Napi::Value& value, const char* name) {
  if (!value.IsString()) reject(value, name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

PixelFormat readFormat(const Napi::Value& value, const char* name) {
  const std::string text = readText(value, name);
  if (text == "rgb") return PixelFormat::rgb;
  if (text == "nv12") return PixelFormat::nv12;
  if (text == "i420") return PixelFormat::i420;
  throw Napi::TypeError::New(value.Env(),
                             std::string("Expected ") + name + " to be rgb, nv12 or i420, received " + text);
}

std::span<std::uint8_t> readBytes(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    reject(value, name, "a Uint8Array");
  auto bytes = value.As<Napi::Uint8Array>();
  return {bytes.Data(), bytes.ByteLength()};
}

}  // namespace hailstream

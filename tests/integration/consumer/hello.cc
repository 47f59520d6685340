/* SPDX-License-Identifier: MIT
 *
 * The same in C++: a class that answers, and strings of the library in those of the language. */
#include <string>
#include <weir/weir.h>

namespace {

class Greeter {
public:
    explicit Greeter(std::string greeting) : greeting_(std::move(greeting)) {}

    void answer(weir_exchange *x) const
    {
        std::string body = greeting_;
        weir_str name, value;

        for (size_t i = 0; weir_header_at(x, i, &name, &value); i++)
            if (std::string(name.ptr, name.len) == "x-name")
                body += " for " + std::string(value.ptr, value.len);
        body += '\n';
        weir_add_header(x, "Cache-Control", "no-store");
        weir_respond_bytes(x, 200, "text/plain", weir_str{body.data(), body.size()});
    }

private:
    std::string greeting_;
};

const weir_str hello = WEIR_STR("from C++");

} // namespace

int main(int argc, char **argv)
{
    Greeter greeter(std::string(hello.ptr, hello.len));

    return weir_serve(
               argc > 1 ? argv[1] : nullptr,
               [](weir_exchange *x, void *arg) { static_cast<Greeter *>(arg)->answer(x); },
               &greeter) != 0;
}

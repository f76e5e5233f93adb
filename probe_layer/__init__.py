"""What runs inside Lambda, beside the function: standard library and libc only, Python 3.9 to 3.14."""

# Sourced: sets $python to a Python that the program runs on, or ends with what to install.
python=
for candidate in python3.11 python3.12 python3.13 python3; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11, 3.12 or 3.13 is needed and was not found." >&2
    echo "On Debian 12 or Ubuntu 24.04: sudo apt-get install python3 python3-venv" >&2
    exit 1
fi

"""Started by the shim when something is missing, nobody's child: brings it, and says how that went.

    python -I -S -B run.py /var/task/.ldeploy PID LIFE ROW

What it does is in ``job.py``, of which there is bytecode: a script is compiled anew each time.
"""

import os
import sys

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

    from probe_layer.guard.job import Job

    Job(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])).run()

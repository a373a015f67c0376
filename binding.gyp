{
  "targets": [
    {
      "target_name": "gradsift",
      "sources": ["<!@(node -p \"const s = require('./native/sources.json'); [...s.core, ...s.kernels, ...s.linalg, ...s.device, ...s.binding].join(' ')\")"],
      "include_dirs": [
        "<!@(node -p \"require('./native/sources.json').include.join(' ')\")",
        "<!(node -p \"require('node-addon-api').include_dir\")"
      ],
      "defines": ["<!@(node -p \"require('./native/sources.json').defines.join(' ')\")"],
      "cflags": ["-fvisibility=hidden"],
      "cflags_cc": ["-std=c++20", "<!@(node -p \"require('./native/sources.json').flags.join(' ')\")"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "libraries": ["-ldl", "-lpthread"],
      "xcode_settings": {
        "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "OTHER_CPLUSPLUSFLAGS": ["<!@(node -p \"require('./native/sources.json').flags.join(' ')\")"],
        "MACOSX_DEPLOYMENT_TARGET": "11.0"
      }
    }
  ]
}

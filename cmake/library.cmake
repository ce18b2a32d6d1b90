# The installed libraries: libweft (compiler and runtime) and libweft_rt (runtime and drivers), each
# shared and static, with pkg-config files and a package for find_package(weft).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
file(RELATIVE_PATH WEFT_PREFIX_FROM_PC /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)

# weft_library(weft_rt drivers): lib<name>.so and lib<name>.a of every object of the components.  What
# is not WEFT_API stays inside the shared library, the archives it is linked from too.
function(weft_library name)
    add_library(${name}_shared SHARED)
    add_library(${name}_static STATIC)
    foreach(kind shared static)
        weft_use(${name}_${kind} ${ARGN})
        target_include_directories(${name}_${kind} INTERFACE
            $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
        set_target_properties(${name}_${kind} PROPERTIES OUTPUT_NAME ${name} EXPORT_NAME ${name})
    endforeach()
    target_link_options(${name}_shared PRIVATE -Wl,--exclude-libs,ALL)
    if(NOT WEFT_SANITIZE) # a sanitizer's own symbols come with the program
        target_link_options(${name}_shared PRIVATE -Wl,--no-undefined)
    endif()
    set_target_properties(${name}_shared PROPERTIES
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    install(TARGETS ${name}_shared EXPORT weft LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(TARGETS ${name}_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

weft_library(weft_rt drivers)
weft_library(weft compiler)

install(TARGETS weft RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/weft)
install(EXPORT weft NAMESPACE weft:: FILE weft-config.cmake DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weft-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/weft-config-version.cmake DESTINATION ${package})
